internal import CNgtcp2
import Glibc

/// The certificate of one side, and the authorities that it trusts.
@safe final class TLSCredentials {
    let handle: OpaquePointer
    /// The purpose that a client's certificate must allow. GnuTLS keeps the pointer while a session lives.
    let clientPurpose: UnsafeMutablePointer<gnutls_typed_vdata_st>

    init() throws(QUICError) {
        var made: OpaquePointer?
        try unsafe check(gnutls_certificate_allocate_credentials(&made))
        guard let made = unsafe made else { throw .engine("GnuTLS made no credentials") }
        unsafe self.handle = made
        unsafe self.clientPurpose = .allocate(capacity: 1)
        unsafe self.clientPurpose.initialize(
            to: gnutls_typed_vdata_st(
                type: GNUTLS_DT_KEY_PURPOSE_OID,
                data: UnsafeMutableRawPointer(strdup(GNUTLS_KP_TLS_WWW_CLIENT))?
                    .assumingMemoryBound(to: UInt8.self),
                size: 0
            )
        )
    }

    deinit {
        unsafe gnutls_certificate_free_credentials(self.handle)
        unsafe free(self.clientPurpose.pointee.data)
        unsafe self.clientPurpose.deallocate()
    }

    /// - Throws: `.certificate` if the chain or the key cannot be read or do not match.
    func load(_ identity: QUICIdentity) throws(QUICError) {
        guard !identity.certificateChain.isEmpty else {
            throw .certificate("the certificate chain is empty; it must have one certificate in PEM at least")
        }
        guard !identity.privateKey.isEmpty else { throw .certificate("the private key is empty; it must be in PEM") }
        let status = unsafe withDatum(identity.certificateChain) { chain in
            unsafe withDatum(identity.privateKey) { key in
                unsafe gnutls_certificate_set_x509_key_mem2(
                    self.handle,
                    chain,
                    key,
                    GNUTLS_X509_FMT_PEM,
                    identity.password,
                    0
                )
            }
        }
        guard status >= 0 else { throw .certificate(tlsErrorText(status)) }
    }

    /// - Throws: `.trustRoots` if no authority can be read.
    func trust(_ roots: QUICClientConfiguration.TrustRoots) throws(QUICError) {
        let count: CInt
        switch roots {
        case .system:
            count = unsafe gnutls_certificate_set_x509_system_trust(self.handle)
        case .pem(let octets):
            count = unsafe withDatum(octets) {
                unsafe gnutls_certificate_set_x509_trust_mem(self.handle, $0, GNUTLS_X509_FMT_PEM)
            }
        }
        guard count > 0 else {
            throw .trustRoots(
                count < 0 ? tlsErrorText(count) : "none is found; there must be one certificate in PEM at least"
            )
        }
    }

    /// True if the authorities vouch for the client's certificate now; a resumed handshake does not verify it.
    func verifiesClient(of session: TLSSession) -> Bool {
        var status: UInt32 = 0
        let result = unsafe gnutls_certificate_verify_peers(session.handle, self.clientPurpose, 1, &status)
        return result == 0 && status == 0
    }
}

/// Lends octets to GnuTLS.
func withDatum<Result>(_ octets: [UInt8], _ body: (UnsafePointer<gnutls_datum_t>) -> Result) -> Result {
    unsafe octets.withUnsafeBufferPointer { bytes in
        var datum = unsafe gnutls_datum_t(
            data: UnsafeMutablePointer(mutating: bytes.baseAddress),
            size: UInt32(clamping: bytes.count)
        )
        return unsafe body(&datum)
    }
}
