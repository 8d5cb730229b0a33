internal import CNgtcp2

/// Certificate, key and priorities of a listening endpoint, loaded once and shared by its sessions.
@safe final class TLSServerContext {
    private let credentials: OpaquePointer
    private let priority: OpaquePointer
    private let alpn: String

    /// - Throws: `.certificate` if the chain or the key cannot be read or do not match.
    init(certificateChain: [UInt8], privateKey: [UInt8], alpn: String) throws(QUICError) {
        guard !certificateChain.isEmpty else { throw .certificate("the certificate chain is empty") }
        guard !privateKey.isEmpty else { throw .certificate("the private key is empty") }
        var credentials: OpaquePointer?
        try unsafe check(gnutls_certificate_allocate_credentials(&credentials))
        guard let credentials = unsafe credentials else { throw .engine("no TLS credentials") }
        let status = unsafe withDatum(certificateChain) { chain in
            unsafe withDatum(privateKey) { key in
                unsafe gnutls_certificate_set_x509_key_mem(credentials, chain, key, GNUTLS_X509_FMT_PEM)
            }
        }
        guard status >= 0 else {
            unsafe gnutls_certificate_free_credentials(credentials)
            throw .certificate(tlsErrorText(status))
        }
        do {
            unsafe self.priority = try makeTLSPriority(":%SERVER_PRECEDENCE")
        } catch {
            unsafe gnutls_certificate_free_credentials(credentials)
            throw error
        }
        unsafe self.credentials = credentials
        self.alpn = alpn
    }

    deinit {
        unsafe gnutls_certificate_free_credentials(self.credentials)
        unsafe gnutls_priority_deinit(self.priority)
    }

    func makeSession(_ reference: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>) throws(QUICError) -> TLSSession {
        let session = unsafe try TLSSession(
            context: self,
            flags: UInt32(GNUTLS_SERVER) | UInt32(GNUTLS_NO_TICKETS.rawValue)
                | UInt32(GNUTLS_NO_END_OF_EARLY_DATA.rawValue),
            priority: self.priority,
            credentials: self.credentials,
            alpn: self.alpn,
            reference: reference
        )
        // GnuTLS holds a client to the offered names only if it names any itself.
        unsafe gnutls_handshake_set_hook_function(
            session.handle,
            GNUTLS_HANDSHAKE_CLIENT_HELLO.rawValue,
            GNUTLS_HOOK_POST
        ) { session, _, _, _, _ in
            var selected = unsafe gnutls_datum_t()
            return unsafe gnutls_alpn_get_selected_protocol(session, &selected) == 0
                ? 0 : GNUTLS_E_NO_APPLICATION_PROTOCOL
        }
        try unsafe check(ngtcp2_crypto_gnutls_configure_server_session(session.handle))
        return session
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
