internal import CNgtcp2
import Glibc

/// Trust roots and priorities of client connections, loaded once and shared by those that verify alike.
@safe final class TLSClientContext {
    let verification: QUICClientConfiguration.Verification
    let alpn: String
    private let credentials: OpaquePointer
    private let priority: OpaquePointer
    /// The name to verify. GnuTLS keeps the pointer for as long as the session lives.
    private let expectedName: UnsafeMutablePointer<CChar>?

    /// - Throws: `.trustRoots` if no authority can be read.
    init(verification: QUICClientConfiguration.Verification, alpn: String) throws(QUICError) {
        self.verification = verification
        self.alpn = alpn
        var credentials: OpaquePointer?
        try unsafe check(gnutls_certificate_allocate_credentials(&credentials))
        guard let credentials = unsafe credentials else { throw .engine("no TLS credentials") }
        do {
            try unsafe Self.loadRoots(verification, into: credentials)
            unsafe self.priority = try makeTLSPriority("")
        } catch {
            unsafe gnutls_certificate_free_credentials(credentials)
            throw error
        }
        unsafe self.credentials = credentials
        if case .full(let name, _) = verification {
            unsafe self.expectedName = strdup(name)
        } else {
            unsafe self.expectedName = nil
        }
    }

    deinit {
        unsafe gnutls_certificate_free_credentials(self.credentials)
        unsafe gnutls_priority_deinit(self.priority)
        unsafe free(self.expectedName)
    }

    private static func loadRoots(
        _ verification: QUICClientConfiguration.Verification,
        into credentials: OpaquePointer
    ) throws(QUICError) {
        guard case .full(_, let roots) = verification else { return }
        let count: CInt
        switch roots {
        case .system:
            count = unsafe gnutls_certificate_set_x509_system_trust(credentials)
        case .pem(let octets):
            count = unsafe withDatum(octets) {
                unsafe gnutls_certificate_set_x509_trust_mem(credentials, $0, GNUTLS_X509_FMT_PEM)
            }
        }
        guard count > 0 else { throw .trustRoots(count < 0 ? tlsErrorText(count) : "no certificate authority found") }
    }

    func makeSession(_ reference: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>) throws(QUICError) -> TLSSession {
        let session = unsafe try TLSSession(
            context: self,
            flags: UInt32(GNUTLS_CLIENT) | UInt32(GNUTLS_NO_TICKETS.rawValue)
                | UInt32(GNUTLS_NO_END_OF_EARLY_DATA.rawValue),
            priority: self.priority,
            credentials: self.credentials,
            alpn: self.alpn,
            reference: reference
        )
        switch self.verification {
        case .full(let name, _):
            try unsafe self.announce(name, to: session.handle)
            unsafe gnutls_session_set_verify_cert(session.handle, self.expectedName, 0)
        case .none(let name?):
            try unsafe self.announce(name, to: session.handle)
        case .none(nil):
            break
        }
        try unsafe check(ngtcp2_crypto_gnutls_configure_client_session(session.handle))
        return session
    }

    /// Sends the name (SNI), which must not be an address (RFC 6066 §3).
    private func announce(_ name: String, to session: OpaquePointer) throws(QUICError) {
        guard !name.isEmpty, !name.contains(":"), !name.allSatisfy({ $0.isNumber || $0 == "." }) else { return }
        try unsafe check(gnutls_server_name_set(session, GNUTLS_NAME_DNS, name, name.utf8.count))
    }
}
