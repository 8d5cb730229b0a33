internal import CNgtcp2

/// A GnuTLS session and what must outlive it.
@safe final class TLSSession {
    let handle: OpaquePointer
    /// Credentials, priorities and protocol names are the context's.
    private let context: AnyObject

    /// - Parameter reference: how ngtcp2's helper finds the connection; must stay where it is while the session lives.
    init(
        context: AnyObject,
        flags: UInt32,
        priority: OpaquePointer,
        credentials: OpaquePointer,
        alpn: String,
        reference: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>
    ) throws(QUICError) {
        var session: OpaquePointer?
        try unsafe check(gnutls_init(&session, flags))
        guard let session = unsafe session else { throw .engine("no TLS session") }
        unsafe self.handle = session
        self.context = context
        unsafe shim_session_forbid_keylog(session)
        unsafe gnutls_session_set_ptr(session, reference)
        try unsafe check(gnutls_priority_set(session, priority))
        try unsafe check(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(credentials)))
        var name = Array(alpn.utf8)
        let count = UInt32(name.count)
        let status = unsafe name.withUnsafeMutableBufferPointer { bytes in
            var datum = unsafe gnutls_datum_t(data: bytes.baseAddress, size: count)
            return unsafe gnutls_alpn_set_protocols(session, &datum, 1, GNUTLS_ALPN_MANDATORY.rawValue)
        }
        try check(status)
    }

    deinit {
        unsafe gnutls_deinit(self.handle)
    }
}

/// TLS 1.3 only; the cheapest good cipher and group first.
func makeTLSPriority(_ extra: String) throws(QUICError) -> OpaquePointer {
    var priority: OpaquePointer?
    let text =
        "NONE:+VERS-TLS1.3:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:+GROUP-X25519:+GROUP-SECP256R1:"
        + "+GROUP-SECP384R1:+SIGN-ALL:+CTYPE-X509:+COMP-NULL:%DISABLE_TLS13_COMPAT_MODE" + extra
    try unsafe check(gnutls_priority_init(&priority, text, nil))
    guard let priority = unsafe priority else { throw .engine("no TLS priority") }
    return unsafe priority
}

/// Turns a status of GnuTLS into an error.
func check(_ status: CInt) throws(QUICError) {
    guard status < 0 else { return }
    throw .engine(tlsErrorText(status))
}

func tlsErrorText(_ status: CInt) -> String {
    unsafe gnutls_strerror(status).map { unsafe String(cString: $0) } ?? "TLS error \(status)"
}
