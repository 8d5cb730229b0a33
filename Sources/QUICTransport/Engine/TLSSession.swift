internal import CNgtcp2

/// A GnuTLS session, and the objects that must outlive it.
@safe final class TLSSession {
    let handle: OpaquePointer
    /// The context with the session's credentials, priorities and protocol names.
    let context: AnyObject
    let keyLog: KeyLog?
    /// True if the client can use a session ticket (servers only).
    var takesTickets = false
    /// The number of the key that opens the client's ticket and seals the next one (servers only).
    var ticketKey = 0
    /// The anti-replay record that the library asks whether early data is new (servers only).
    var antiReplayRecord: EarlyDataGuard.Record?
    /// The ticket that is being read (clients only).
    var sentTicket: SentTicket?

    /// - Parameter reference: by which ngtcp2's helper finds the connection; must not move while the session lives.
    init(
        context: AnyObject,
        flags: UInt32,
        priority: OpaquePointer,
        credentials: TLSCredentials,
        alpn: String,
        keyLog: KeyLog?,
        reference: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>
    ) throws(QUICError) {
        var session: OpaquePointer?
        try unsafe check(gnutls_init(&session, flags))
        guard let session = unsafe session else { throw .engine("GnuTLS made no session") }
        unsafe self.handle = session
        self.context = context
        self.keyLog = keyLog
        // Without a function of its own, a session's secrets are written to the file that SSLKEYLOGFILE names.
        unsafe gnutls_session_set_keylog_function(session) { session, label, secret in
            guard let session = unsafe session, let label = unsafe label, let secret = unsafe secret,
                let engine = unsafe engine(of: session), case .live(let tls) = engine.tls
            else { return 0 }
            unsafe tls.keyLog?.note(label, secret, of: session)
            return 0
        }
        unsafe gnutls_session_set_ptr(session, reference)
        try unsafe check(gnutls_priority_set(session, priority))
        try unsafe check(
            gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(credentials.handle))
        )
        var name = Array(alpn.utf8)
        let count = UInt32(name.count)
        let status = unsafe name.withUnsafeMutableBufferPointer { bytes in
            var datum = unsafe gnutls_datum_t(data: bytes.baseAddress, size: count)
            return unsafe gnutls_alpn_set_protocols(session, &datum, 1, GNUTLS_ALPN_MANDATORY.rawValue)
        }
        try check(status)
    }

    /// Registers the functions of QUIC; to be called after everything else is set.
    func beginQUIC() throws(QUICError) {
        try unsafe check(ngtcp2_crypto_gnutls_configure_server_session(self.handle))
        unsafe gnutls_handshake_set_secret_function(self.handle) { session, level, receiving, sending, count in
            guard let engine = unsafe engine(of: session) else { return -1 }
            let installed = unsafe engine.install(
                level,
                receiving: receiving.map { unsafe UnsafeRawBufferPointer(start: $0, count: count) },
                sending: sending.map { unsafe UnsafeRawBufferPointer(start: $0, count: count) }
            )
            return installed ? 0 : -1
        }
    }

    deinit {
        unsafe gnutls_deinit(self.handle)
    }

    /// True if early data was sent and accepted.
    var hasEarlyData: Bool {
        unsafe gnutls_session_get_flags(self.handle) & UInt32(GNUTLS_SFLAGS_EARLY_DATA.rawValue) != 0
    }

    /// The subject of the peer's certificate, `nil` without one.
    var peerCertificate: QUICPeerCertificate? {
        var count: UInt32 = 0
        guard let chain = unsafe gnutls_certificate_get_peers(self.handle, &count), count > 0 else { return nil }
        return unsafe QUICPeerCertificate(chain)
    }
}

/// TLS 1.3 only; the first cipher suite of the list that both sides have, and the fastest secure group first.
func makeTLSPriority(_ ciphers: [QUICCipher], _ extra: String) throws(QUICError) -> OpaquePointer {
    var priority: OpaquePointer?
    let names = ciphers.map { "+\($0.priorityName):" }.joined()
    let text =
        "NONE:+VERS-TLS1.3:\(names)+AEAD:+GROUP-X25519:+GROUP-SECP256R1:"
        + "+GROUP-SECP384R1:+SIGN-ALL:+CTYPE-X509:+COMP-NULL:%DISABLE_TLS13_COMPAT_MODE" + extra
    try unsafe check(gnutls_priority_init(&priority, text, nil))
    guard let priority = unsafe priority else { throw .engine("GnuTLS made no priority (gnutls_priority_init)") }
    return unsafe priority
}

extension QUICCipher {
    /// The name that GnuTLS has for the cipher in priority strings.
    fileprivate var priorityName: String {
        switch self {
        case .aes128GCM: "AES-128-GCM"
        case .aes256GCM: "AES-256-GCM"
        case .chacha20Poly1305: "CHACHA20-POLY1305"
        }
    }
}

/// Translates a status of GnuTLS.
func check(_ status: CInt) throws(QUICError) {
    guard status < 0 else { return }
    throw .engine(tlsErrorText(status))
}

func tlsErrorText(_ status: CInt) -> String {
    unsafe gnutls_strerror(status).map { unsafe String(cString: $0) } ?? "TLS error \(status)"
}
