internal import CNgtcp2

/// The reason why a connection cannot continue.
enum EngineEnd {
    /// The connection ends without a packet, and nothing is remembered.
    case silent(QUICCloseReason)
    /// The peer has closed the connection; late packets are ignored.
    case draining(QUICCloseReason)
    /// CONNECTION_CLOSE with the code has to be sent.
    case closing(QUICCloseReason)
    /// The first packet was not valid; it is treated as if it had not come.
    case dropped
    /// The first packet lacks the beginning of the ClientHello, which is kept for validated addresses only.
    case needsRetry
}

extension Engine {
    /// Translates a status of ngtcp2.
    func end(_ status: CInt) -> EngineEnd {
        switch status {
        case NGTCP2_ERR_DRAINING:
            return .draining(self.reasonOfPeer)
        case NGTCP2_ERR_DROP_CONN:
            return .dropped
        case NGTCP2_ERR_RETRY:
            return .needsRetry
        case NGTCP2_ERR_IDLE_CLOSE:
            return .silent(.idleTimeout)
        case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
            return .silent(.handshakeTimeout)
        case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
            return .silent(.versionNegotiation)
        case NGTCP2_ERR_CRYPTO:
            let alert = unsafe ngtcp2_conn_get_tls_alert(self.conn)
            let code =
                unsafe alert == 0
                ? ngtcp2_err_infer_quic_transport_error_code(ngtcp2_conn_get_tls_error(self.conn))
                : 0x100 + UInt64(alert)
            return .closing(.transport(by: .local, code: code, reason: self.tlsFailureText ?? engineErrorText(status)))
        default:
            let code = ngtcp2_err_infer_quic_transport_error_code(status)
            return .closing(.transport(by: .local, code: code, reason: engineErrorText(status)))
        }
    }

    /// The end of a connection with too many gaps in its data (RFC 9000 §21.7), with ngtcp2's code for a stream with too
    /// many.
    var endOfFragments: EngineEnd {
        self.connection.endpoint.counters.connectionsFragmented += 1
        return .closing(.transport(by: .local, code: UInt64(NGTCP2_INTERNAL_ERROR), reason: "too many fragments"))
    }

    private var reasonOfPeer: QUICCloseReason {
        if self.connection.hasReceivedReset { return .statelessReset }
        let error = unsafe ngtcp2_conn_get_ccerr(self.conn).pointee
        let text = unsafe String(
            decoding: UnsafeBufferPointer(start: error.reason, count: error.reasonlen).prefix(256),
            as: UTF8.self
        )
        return unsafe error.type == NGTCP2_CCERR_TYPE_APPLICATION
            ? .application(by: .peer, code: error.error_code, reason: text)
            : .transport(by: .peer, code: error.error_code, reason: text)
    }

    /// The reason why the peer's certificate was refused, if it was.
    private var tlsFailureText: String? {
        guard case .live(let session) = self.tls, !self.isServer else { return nil }
        let status = unsafe gnutls_session_get_verify_cert_status(session.handle)
        guard status != 0, status != UInt32.max else { return nil }
        var text = unsafe gnutls_datum_t()
        guard unsafe gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) == 0 else {
            return nil
        }
        defer { unsafe shim_gnutls_free(text.data) }
        return unsafe String(
            decoding: UnsafeBufferPointer(start: text.data, count: Int(text.size)).prefix { $0 != 0 },
            as: UTF8.self
        )
    }
}
