internal import CNgtcp2

/// The callbacks of ngtcp2, which only record events: ngtcp2 must not be called from within a callback.
enum EngineCallbacks {
    nonisolated(unsafe) static let server = unsafe make(isServer: true)
    nonisolated(unsafe) static let client = unsafe make(isServer: false)
    /// Of a client that stays at the address that it has dialed.
    nonisolated(unsafe) static let stayingClient = unsafe make(isServer: false, prefersAddresses: false)

    private static func make(isServer: Bool, prefersAddresses: Bool = true) -> UnsafePointer<ngtcp2_callbacks> {
        var table = ngtcp2_callbacks()
        self.addHandshake(to: &table)
        self.addProtection(to: &table, isServer: isServer)
        self.addStreams(to: &table)
        self.addIdentifiers(to: &table, isServer: isServer)
        if !isServer, prefersAddresses { self.addPreferredAddress(to: &table) }
        let place = UnsafeMutablePointer<ngtcp2_callbacks>.allocate(capacity: 1)
        unsafe place.initialize(to: table)
        return unsafe UnsafePointer(place)
    }

    private static func addHandshake(to table: inout ngtcp2_callbacks) {
        unsafe table.recv_crypto_data = { conn, level, offset, data, count, user in
            let engine = unsafe engine(user)
            if case .released = engine.tls {
                guard engine.isServer else { return 0 }
                unsafe ngtcp2_conn_set_tls_alert(conn, UInt8(GNUTLS_A_UNEXPECTED_MESSAGE.rawValue))
                return NGTCP2_ERR_CRYPTO
            }
            guard engine.allowsCryptoData(upTo: offset + UInt64(count)) else { return NGTCP2_ERR_CRYPTO }
            guard engine.beginSession() else { return NGTCP2_ERR_CALLBACK_FAILURE }
            let status = unsafe ngtcp2_crypto_recv_crypto_data_cb(conn, level, offset, data, count, user)
            guard status == 0, level == NGTCP2_ENCRYPTION_LEVEL_INITIAL, !engine.acceptsResumption else {
                return status
            }
            unsafe ngtcp2_conn_set_tls_alert(conn, UInt8(GNUTLS_A_BAD_CERTIFICATE.rawValue))
            return NGTCP2_ERR_CRYPTO
        }
        unsafe table.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb
        unsafe table.rand = { bytes, count, _ in
            unsafe RandomBytes.fill(UnsafeMutableRawBufferPointer(start: bytes, count: count))
        }
        unsafe table.handshake_completed = { _, user in
            unsafe engine(user).decideEarlyData()
            return unsafe record(.handshakeCompleted, user)
        }
    }

    private static func addStreams(to table: inout ngtcp2_callbacks) {
        unsafe table.stream_open = { conn, id, user in
            let connection = unsafe engine(user).connection
            let stream = connection.addStream(id)
            unsafe ngtcp2_conn_set_stream_user_data(conn, id, Unmanaged.passUnretained(stream).toOpaque())
            return unsafe record(.opened(stream), user)
        }
        unsafe table.recv_stream_data = { _, flags, _, _, data, count, user, streamUser in
            guard let stream = unsafe streamUser else { return 0 }
            unsafe withContext(user) { context in
                unsafe context.record(
                    UnsafeRawBufferPointer(start: data, count: count),
                    on: stream,
                    finished: flags & NGTCP2_STREAM_DATA_FLAG_FIN != 0,
                    user: user
                )
            }
            return 0
        }
        unsafe table.acked_stream_data_offset = { _, _, _, count, user, streamUser in
            guard let place = unsafe streamUser else { return 0 }
            return unsafe Unmanaged<QUICStream>.fromOpaque(place)._withUnsafeGuaranteedRef { stream in
                stream.noteAcknowledged(Int(count)) ? unsafe record(.acknowledged(stream), user) : 0
            }
        }
        unsafe table.stream_reset = { _, _, _, code, user, streamUser in
            guard let stream = unsafe stream(streamUser) else { return 0 }
            return unsafe record(.reset(stream, code: code), user)
        }
        unsafe shim_callbacks_set_recv_stop_sending(&table) { _, _, code, user, streamUser in
            guard let stream = unsafe stream(streamUser) else { return 0 }
            return unsafe record(.stopSending(stream, code: code), user)
        }
        unsafe table.stream_close = { _, _, _, _, user, streamUser in
            guard let stream = unsafe stream(streamUser) else { return 0 }
            return unsafe record(.closedStream(stream), user)
        }
        unsafe table.extend_max_stream_data = { _, _, _, user, streamUser in
            guard let stream = unsafe stream(streamUser) else { return 0 }
            return unsafe record(.credited(stream), user)
        }
    }

    private static func addIdentifiers(to table: inout ngtcp2_callbacks, isServer: Bool) {
        unsafe table.get_new_connection_id = { _, cid, token, _, user in
            let engine = unsafe engine(user)
            let identifier = engine.context.identifiers.make()
            unsafe cid?.pointee = ngtcp2_cid(identifier)
            if let token = unsafe token {
                unsafe StatelessPackets.writeResetToken(
                    token,
                    key: engine.context.keys.issuing.resets,
                    identifier: identifier
                )
            }
            return unsafe record(.issued(identifier), user)
        }
        unsafe table.remove_connection_id = { _, cid, user in
            guard let cid = unsafe cid else { return 0 }
            return unsafe record(.retired(QUICConnectionID(cid)), user)
        }
        unsafe table.path_validation = { _, flags, path, _, result, user in
            switch result {
            case NGTCP2_PATH_VALIDATION_RESULT_SUCCESS:
                // The path in use may be another one when the event is handled.
                guard let path = unsafe path else { return 0 }
                let remote = unsafe DatagramAddress(path.pointee.remote)
                let engine = unsafe engine(user)
                engine.didValidate(remote)
                let address = engine.path(of: remote).remote
                // A client that has reached another address of this side has the token for its own already.
                let needsToken =
                    flags & NGTCP2_PATH_VALIDATION_FLAG_NEW_TOKEN != 0 && address != engine.connection.remote
                let status = unsafe record(.pathValidated(remote: address), user)
                return needsToken ? unsafe record(.tokenDue, user) : status
            case NGTCP2_PATH_VALIDATION_RESULT_FAILURE:
                return unsafe record(.pathValidationFailed, user)
            default:
                return 0
            }
        }
        guard !isServer else { return }
        unsafe table.recv_new_token = { _, token, count, user in
            unsafe record(.newToken(Array(UnsafeBufferPointer(start: token, count: count))), user)
        }
        unsafe table.recv_stateless_reset = { _, _, user in
            unsafe engine(user).connection.hasReceivedReset = true
            return 0
        }
        unsafe table.dcid_status = { _, type, _, _, token, user in
            guard let token = unsafe token else { return 0 }
            let value = unsafe StatelessResetToken(
                UnsafeRawBufferPointer(start: token, count: StatelessResetToken.count)
            )
            return type == NGTCP2_CONNECTION_ID_STATUS_TYPE_ACTIVATE
                ? unsafe record(.resetTokenActivated(value), user) : unsafe record(.resetTokenRetired(value), user)
        }
    }
}

/// The engine of the connection that a callback is about, by the callback's user data.
func engine(_ user: UnsafeMutableRawPointer?) -> Engine {
    // `Engine.init` sets the user data before the first callback.
    unsafe Engine.from(user.unsafelyUnwrapped.assumingMemoryBound(to: ngtcp2_crypto_conn_ref.self))
}

/// Finds the context without touching a reference count, for callbacks that run for every packet.
private func withContext(_ user: UnsafeMutableRawPointer?, _ body: (EngineContext) -> Void) {
    unsafe Engine.withContext(of: user.unsafelyUnwrapped.assumingMemoryBound(to: ngtcp2_crypto_conn_ref.self), body)
}

private func stream(_ user: UnsafeMutableRawPointer?) -> QUICStream? {
    unsafe user.map { unsafe Unmanaged<QUICStream>.fromOpaque($0).takeUnretainedValue() }
}

private func record(_ event: EngineEvent, _ user: UnsafeMutableRawPointer?) -> CInt {
    let engine = unsafe engine(user)
    engine.context.events.append((engine.connection, event))
    return 0
}
