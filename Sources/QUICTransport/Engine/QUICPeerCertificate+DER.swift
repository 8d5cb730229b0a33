internal import CNgtcp2

extension QUICPeerCertificate {
    /// Octets of an encoded common name: four times more than its 64 characters (RFC 5280 §A.1) take in any encoding.
    private static let maximumNameCount = 1_024

    /// Reads the subject of a certificate. All transports do so by this initializer, so that a client has the same name on each.
    ///
    /// - Parameter der: the certificate. If it cannot be read, or has a subject that cannot, the names are empty.
    package init(der: [UInt8]) {
        self = unsafe withDatum(der) { unsafe QUICPeerCertificate($0) }
    }

    init(_ der: UnsafePointer<gnutls_datum_t>) {
        var made: OpaquePointer?
        guard unsafe gnutls_x509_crt_init(&made) == 0, let certificate = unsafe made else {
            self.init(subject: "", commonName: nil)
            return
        }
        defer { unsafe gnutls_x509_crt_deinit(certificate) }
        var subject = unsafe gnutls_datum_t()
        guard unsafe gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) == 0,
            unsafe gnutls_x509_crt_get_dn3(certificate, &subject, 0) == 0
        else {
            self.init(subject: "", commonName: nil)
            return
        }
        defer { unsafe shim_gnutls_free(subject.data) }
        unsafe self.init(
            subject: String(
                decoding: UnsafeBufferPointer(start: subject.data, count: Int(subject.size)),
                as: UTF8.self
            ),
            commonName: Self.commonName(of: certificate)
        )
    }

    /// The first common name. As text the library would escape it (RFC 4514 §2.4), so it is taken as it is encoded.
    private static func commonName(of certificate: OpaquePointer) -> String? {
        var encoded = [UInt8](repeating: 0, count: maximumNameCount)
        var count = encoded.count
        let isRaw: UInt32 = 1
        let status = unsafe gnutls_x509_crt_get_dn_by_oid(
            certificate,
            GNUTLS_OID_X520_COMMON_NAME,
            0,
            isRaw,
            &encoded,
            &count
        )
        return status == 0 ? DirectoryString.text(der: Array(encoded.prefix(count))) : nil
    }
}
