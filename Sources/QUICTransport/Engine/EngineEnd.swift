internal import CNgtcp2

/// Why a connection cannot go on.
enum EngineEnd {
    /// Nothing is to be sent or remembered.
    case silent(QUICCloseReason)
    /// The peer has closed; late packets are ignored.
    case draining(QUICCloseReason)
    /// CONNECTION_CLOSE with the code is to be sent.
    case closing(QUICCloseReason)
    /// The first packet was no good: as if it had never come.
    case dropped
    /// The first packet begins in the middle of a message, which is kept for nobody before its address is validated.
    case needsRetry
}

extension Engine {
    /// Turns a status of ngtcp2 into what it means for the connection.
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

    /// The peer has sent more fragments than are put together (RFC 9000 §21.7): the code is that of ngtcp2 for a stream.
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

    /// What was wrong with the peer's certificate, if that is what failed.
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
