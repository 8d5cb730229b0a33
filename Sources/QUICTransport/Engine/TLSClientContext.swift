internal import CNgtcp2
import Glibc

/// Certificate, authorities and priorities of client connections, loaded once and shared by connections that verify alike.
@safe final class TLSClientContext {
    private let verification: QUICClientConfiguration.Verification
    private let alpn: String
    private let identity: QUICIdentity?
    private let ciphers: [QUICCipher]
    private let credentials: TLSCredentials
    private let priority: OpaquePointer
    /// The name to verify. GnuTLS keeps the pointer while the session lives.
    private let expectedName: UnsafeMutablePointer<CChar>?

    /// - Throws: `.trustRoots` if no authority can be read, `.certificate` if the identity cannot be read.
    init(_ configuration: QUICClientConfiguration) throws(QUICError) {
        self.verification = configuration.verification
        self.alpn = configuration.common.alpn
        self.identity = configuration.identity
        self.ciphers = configuration.ciphers
        let credentials = try TLSCredentials()
        if case .full(_, let roots) = configuration.verification { try credentials.trust(roots) }
        if let identity = configuration.identity { try credentials.load(identity) }
        unsafe self.priority = try makeTLSPriority(configuration.ciphers, "")
        self.credentials = credentials
        if case .full(let name, _) = configuration.verification {
            unsafe self.expectedName = strdup(name)
        } else {
            unsafe self.expectedName = nil
        }
    }

    deinit {
        unsafe gnutls_priority_deinit(self.priority)
        unsafe free(self.expectedName)
    }

    /// True if connections with the configuration may share this context.
    func serves(_ configuration: QUICClientConfiguration) -> Bool {
        self.verification == configuration.verification && self.alpn == configuration.common.alpn
            && self.identity == configuration.identity && self.ciphers == configuration.ciphers
    }

    /// Makes the TLS session of one connection, which resumes if there is a ticket.
    ///
    /// - Throws: `QUICError.engine` if the TLS library refuses the ticket or a setting.
    func makeSession(
        _ reference: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>,
        _ configuration: QUICClientConfiguration,
        ticket: QUICSessionTicket?
    ) throws(QUICError) -> TLSSession {
        let takesTickets = configuration.takesTickets
        var flags = UInt32(GNUTLS_CLIENT) | UInt32(GNUTLS_NO_END_OF_EARLY_DATA.rawValue)
        // The key share of the first group only, X25519, which every server takes: a second one would double what a ClientHello costs. Others
        // ask for another by HelloRetryRequest, RFC 8446 §4.1.4.
        flags |= UInt32(GNUTLS_KEY_SHARE_TOP.rawValue)
        if ticket == nil, !takesTickets { flags |= UInt32(GNUTLS_NO_TICKETS.rawValue) }
        if let ticket, ticket.allowsEarlyData, configuration.sendsEarlyData {
            flags |= UInt32(GNUTLS_ENABLE_EARLY_DATA.rawValue)
        }
        let session = unsafe try TLSSession(
            context: self,
            flags: flags,
            priority: self.priority,
            credentials: self.credentials,
            alpn: self.alpn,
            keyLog: nil,
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
        if takesTickets { unsafe Self.hookTickets(of: session.handle) }
        try session.beginQUIC()
        if let ticket {
            try unsafe check(gnutls_session_set_data(session.handle, ticket.session, ticket.session.count))
        }
        return session
    }

    private static func hookTickets(of session: OpaquePointer) {
        unsafe gnutls_handshake_set_hook_function(
            session,
            GNUTLS_HANDSHAKE_NEW_SESSION_TICKET.rawValue,
            GNUTLS_HOOK_BOTH
        ) { session, _, when, _, message in
            guard let session = unsafe session, let engine = unsafe engine(of: session),
                case .live(let tls) = engine.tls, let message = unsafe message
            else { return 0 }
            if when == UInt32(GNUTLS_HOOK_PRE) {
                // The message is read here, since the library takes it apart afterwards.
                tls.sentTicket = unsafe SentTicket(
                    UnsafeRawBufferPointer(start: message.pointee.data, count: Int(message.pointee.size))
                )
                return 0
            }
            guard let sent = tls.sentTicket, sent.lifetime > 0 else { return 0 }
            var data = unsafe gnutls_datum_t()
            guard unsafe gnutls_session_get_data2(session, &data) == 0 else { return 0 }
            defer { unsafe shim_gnutls_free(data.data) }
            engine.context.events.append(
                (
                    engine.connection,
                    .ticket(
                        unsafe Array(of: data),
                        lifetime: Int64(sent.lifetime),
                        allowsEarlyData: sent.allowsEarlyData
                    )
                )
            )
            return 0
        }
    }

    /// Sends the server name (SNI), which must not be an address (RFC 6066 §3).
    private func announce(_ name: String, to session: OpaquePointer) throws(QUICError) {
        guard !name.isEmpty, !name.contains(":"), !name.allSatisfy({ $0.isNumber || $0 == "." }) else { return }
        try unsafe check(gnutls_server_name_set(session, GNUTLS_NAME_DNS, name, name.utf8.count))
    }
}
