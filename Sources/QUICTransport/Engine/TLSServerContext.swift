internal import CNgtcp2
import Glibc

/// Certificate, key, authorities and priorities of a listening endpoint, loaded once and shared by its sessions.
@safe final class TLSServerContext {
    let resumption: QUICServerResumption?
    /// `nil` if early data is not accepted.
    let earlyData: EarlyDataGuard?
    let keyLog: KeyLog?
    /// True if clients must show a certificate of the authorities.
    let verifiesClients: Bool
    private let credentials: TLSCredentials
    private let priority: OpaquePointer
    private let alpn: String

    /// - Parameters:
    ///   - earlyData: the guard of early data, for a context that makes sessions and whose configuration accepts early data.
    /// - Throws: `.certificate` if the chain or the key cannot be read or do not match, `.trustRoots`.
    init(
        _ configuration: QUICServerConfiguration,
        keyLog: KeyLog? = nil,
        earlyData: EarlyDataGuard? = nil
    ) throws(QUICError) {
        let credentials = try TLSCredentials()
        try credentials.load(configuration.identity)
        if let authorities = configuration.clientAuthorities { try credentials.trust(.pem(authorities)) }
        unsafe self.priority = try makeTLSPriority(configuration.ciphers, ":%SERVER_PRECEDENCE")
        self.credentials = credentials
        self.verifiesClients = configuration.clientAuthorities != nil
        self.alpn = configuration.common.alpn
        self.resumption = configuration.resumption
        self.earlyData = earlyData
        self.keyLog = keyLog
    }

    deinit {
        unsafe gnutls_priority_deinit(self.priority)
    }

    func makeSession(
        _ reference: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>,
        now: UInt64
    ) throws(QUICError) -> TLSSession {
        let session = unsafe try TLSSession(
            context: self,
            flags: UInt32(GNUTLS_SERVER) | self.resumptionFlags | UInt32(GNUTLS_NO_END_OF_EARLY_DATA.rawValue),
            priority: self.priority,
            credentials: self.credentials,
            alpn: self.alpn,
            keyLog: self.keyLog,
            reference: reference
        )
        unsafe gnutls_handshake_set_hook_function(
            session.handle,
            GNUTLS_HANDSHAKE_CLIENT_HELLO.rawValue,
            GNUTLS_HOOK_BOTH
        ) { session, _, when, _, message in
            guard let engine = unsafe engine(of: session), case .live(let tls) = engine.tls,
                let context = tls.context as? TLSServerContext, let message = unsafe message
            else { return GNUTLS_E_INTERNAL_ERROR }
            return when == UInt32(GNUTLS_HOOK_PRE)
                ? unsafe context.willRead(message, tls, now: engine.connection.endpoint.now)
                : context.didRead(tls, for: engine)
        }
        if let resumption = self.resumption {
            let seconds = resumption.keys.lifetime.unsignedNanoseconds / 1_000_000_000
            unsafe gnutls_db_set_cache_expiration(session.handle, CInt(clamping: seconds))
        }
        if let earlyData = self.earlyData {
            earlyData.enable(on: session, now: now)
            // The only value that QUIC allows: flow control bounds early data (RFC 9001 §4.6.1).
            try unsafe check(gnutls_record_set_max_early_data_size(session.handle, Int(UInt32.max)))
        }
        if self.verifiesClients {
            unsafe gnutls_certificate_server_set_request(session.handle, GNUTLS_CERT_REQUIRE)
            unsafe gnutls_session_set_verify_cert2(session.handle, self.credentials.clientPurpose, 1, 0)
        }
        try session.beginQUIC()
        return session
    }

    private var resumptionFlags: UInt32 {
        guard self.resumption != nil else { return UInt32(GNUTLS_NO_TICKETS.rawValue) }
        // Instead of the library's two tickets, one is sent when the handshake is complete.
        let flags = UInt32(GNUTLS_NO_AUTO_SEND_TICKET.rawValue)
        return self.earlyData == nil ? flags : flags | UInt32(GNUTLS_ENABLE_EARLY_DATA.rawValue)
    }

    // MARK: ClientHello

    /// Chooses the ticket key, which the library needs before it reads the client's ticket.
    private func willRead(_ message: UnsafePointer<gnutls_datum_t>, _ tls: TLSSession, now: UInt64) -> CInt {
        guard let resumption = self.resumption else { return 0 }
        let offer = unsafe ResumptionOffer(message)
        tls.takesTickets = offer.takesTickets
        guard offer.takesTickets || offer.keyName != nil else { return 0 }
        let clockJumps = resumption.earlyData?.clockJumps ?? 0
        self.earlyData?.clockJumps = clockJumps
        let key = resumption.keys.key(for: offer.keyName, now: now, clockJumps: clockJumps)
        tls.ticketKey = key.number
        // Refused for the second ClientHello of a handshake, for which the key of the first one holds.
        _ = unsafe key.withDatum { unsafe gnutls_session_ticket_enable_server(tls.handle, $0) }
        return 0
    }

    /// Checks what the library does not check of a ClientHello, before anything is answered or early data is read.
    private func didRead(_ tls: TLSSession, for engine: Engine) -> CInt {
        // GnuTLS compares application protocols only if the client names any.
        var selected = unsafe gnutls_datum_t()
        guard unsafe gnutls_alpn_get_selected_protocol(tls.handle, &selected) == 0 else {
            return GNUTLS_E_NO_APPLICATION_PROTOCOL
        }
        let counters = engine.connection.endpoint
        switch self.earlyData?.takeVerdict() {
        case .fresh?, nil: break
        case .replayed?: counters.counters.earlyDataReplayed += 1
        case .full?: counters.counters.earlyDataStoreFull += 1
        case .clockJumped?: counters.counters.earlyDataClockJumps += 1
        }
        guard unsafe gnutls_session_is_resumed(tls.handle) != 0 else { return 0 }
        counters.counters.handshakesResumed += 1
        if tls.hasEarlyData { counters.counters.earlyDataAccepted += 1 }
        return 0
    }

    /// False if a resumed connection's client certificate, which its ticket contains, is no longer trusted; nothing else
    /// verifies it again. To be called before the first early data is read.
    func acceptsResumption(of tls: TLSSession) -> Bool {
        guard self.verifiesClients, unsafe gnutls_session_is_resumed(tls.handle) != 0 else { return true }
        return self.credentials.verifiesClient(of: tls)
    }

    /// Sends a session ticket, after the handshake, if the client can use one.
    ///
    /// A client that has resumed with the key before the present one gets no ticket: the library would seal the ticket with
    /// that key, which is forgotten before the ticket's lifetime ends.
    func sendTicket(_ tls: TLSSession, now: UInt64) -> Bool {
        guard let resumption = self.resumption, tls.takesTickets, resumption.keys.seals(tls.ticketKey, now: now) else {
            return false
        }
        unsafe gnutls_handshake_set_hook_function(
            tls.handle,
            GNUTLS_HANDSHAKE_NEW_SESSION_TICKET.rawValue,
            GNUTLS_HOOK_POST
        ) { session, _, _, _, message in
            guard let engine = unsafe engine(of: session), case .live(let tls) = engine.tls,
                let context = tls.context as? TLSServerContext, let message = unsafe message
            else { return 0 }
            if let name = unsafe SentTicket.keyName(message) {
                context.resumption?.keys.note(name, of: tls.ticketKey)
            }
            return 0
        }
        return unsafe gnutls_session_ticket_send(tls.handle, 1, 0) == 0
    }
}

/// The engine of a session of the TLS library.
func engine(of session: OpaquePointer?) -> Engine? {
    guard let reference = unsafe gnutls_session_get_ptr(session) else { return nil }
    return unsafe Engine.from(reference.assumingMemoryBound(to: ngtcp2_crypto_conn_ref.self))
}
