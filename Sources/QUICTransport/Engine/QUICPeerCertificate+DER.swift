internal import CNgtcp2

extension QUICPeerCertificate {
    /// Reads the subject of a certificate in the way that is the same for all transports.
    ///
    /// - Parameter der: the certificate in DER; `nil` results from octets that are none.
    package init?(der: [UInt8]) {
        guard let read = unsafe withDatum(der, { unsafe QUICPeerCertificate($0) }) else { return nil }
        self = read
    }

    init?(_ der: UnsafePointer<gnutls_datum_t>) {
        var made: OpaquePointer?
        guard unsafe gnutls_x509_crt_init(&made) == 0, let certificate = unsafe made else { return nil }
        defer { unsafe gnutls_x509_crt_deinit(certificate) }
        guard unsafe gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) == 0 else { return nil }
        var subject = unsafe gnutls_datum_t()
        guard unsafe gnutls_x509_crt_get_dn3(certificate, &subject, 0) == 0 else { return nil }
        defer { unsafe shim_gnutls_free(subject.data) }
        var name = [UInt8](repeating: 0, count: 256)
        var size = name.count
        let found = unsafe gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, &name, &size)
        unsafe self.init(
            subject: String(
                decoding: UnsafeBufferPointer(start: subject.data, count: Int(subject.size)),
                as: UTF8.self
            ),
            commonName: found == 0 ? String(decoding: name.prefix(size), as: UTF8.self) : nil
        )
    }
}
