internal import CNgtcp2

extension EngineCallbacks {
    static func addProtection(to table: inout ngtcp2_callbacks, isServer: Bool) {
        self.addInitialKeys(to: &table, isServer: isServer)
        self.addUse(to: &table)
        unsafe table.update_key = {
            _,
            receive,
            send,
            receiver,
            receiveIV,
            sender,
            sendIV,
            received,
            sent,
            count,
            user in
            let engine = unsafe engine(user)
            let receiving = unsafe engine.updatedKeys(
                from: UnsafeRawBufferPointer(start: received, count: count),
                secret: UnsafeMutableRawBufferPointer(start: receive, count: count)
            )
            guard let receiving else { return NGTCP2_ERR_CALLBACK_FAILURE }
            let sending = unsafe engine.updatedKeys(
                from: UnsafeRawBufferPointer(start: sent, count: count),
                secret: UnsafeMutableRawBufferPointer(start: send, count: count)
            )
            guard let sending else {
                receiving.delete()
                return NGTCP2_ERR_CALLBACK_FAILURE
            }
            unsafe receiver?.pointee.native_handle = receiving.packets.handle
            unsafe sender?.pointee.native_handle = sending.packets.handle
            for index in receiving.vector.indices {
                unsafe receiveIV?[index] = receiving.vector[index]
                unsafe sendIV?[index] = sending.vector[index]
            }
            return 0
        }
        unsafe table.delete_crypto_aead_ctx = { _, context, _ in
            unsafe ProtectionKey(handle: context?.pointee.native_handle)?.delete()
        }
        unsafe table.delete_crypto_cipher_ctx = { _, context, _ in
            unsafe ProtectionKey(handle: context?.pointee.native_handle)?.delete()
        }
    }

    private static func addInitialKeys(to table: inout ngtcp2_callbacks, isServer: Bool) {
        // Called only if a version other than the client's first is chosen, which never happens.
        unsafe table.version_negotiation = { _, _, _, _ in NGTCP2_ERR_CALLBACK_FAILURE }
        if isServer {
            unsafe table.recv_client_initial = { _, identifier, user in
                guard let identifier = unsafe identifier else { return NGTCP2_ERR_CALLBACK_FAILURE }
                return unsafe engine(user).installInitialKeys(identifier) ? 0 : NGTCP2_ERR_CALLBACK_FAILURE
            }
            return
        }
        unsafe table.client_initial = { conn, user in
            guard let conn = unsafe conn, let identifier = unsafe ngtcp2_conn_get_dcid(conn),
                unsafe engine(user).installInitialKeys(identifier)
            else { return NGTCP2_ERR_CALLBACK_FAILURE }
            let level = NGTCP2_ENCRYPTION_LEVEL_INITIAL
            return unsafe ngtcp2_crypto_read_write_crypto_data(conn, level, nil, 0) == 0
                ? 0 : NGTCP2_ERR_CALLBACK_FAILURE
        }
        unsafe table.recv_retry = { _, header, user in
            guard let header = unsafe header else { return NGTCP2_ERR_CALLBACK_FAILURE }
            var identifier = unsafe header.pointee.scid
            return unsafe engine(user).installInitialKeys(&identifier) ? 0 : NGTCP2_ERR_CALLBACK_FAILURE
        }
    }

    private static func addUse(to table: inout ngtcp2_callbacks) {
        unsafe table.encrypt = { destination, _, context, plain, count, nonce, nonceCount, header, headerCount in
            guard let destination = unsafe destination,
                let key = unsafe ProtectionKey(handle: context?.pointee.native_handle),
                unsafe key.seal(
                    UnsafeRawBufferPointer(start: plain, count: count),
                    into: destination,
                    nonce: UnsafeRawBufferPointer(start: nonce, count: nonceCount),
                    header: UnsafeRawBufferPointer(start: header, count: headerCount)
                )
            else { return NGTCP2_ERR_CALLBACK_FAILURE }
            return 0
        }
        unsafe table.decrypt = { destination, _, context, sealed, count, nonce, nonceCount, header, headerCount in
            guard let destination = unsafe destination,
                let key = unsafe ProtectionKey(handle: context?.pointee.native_handle),
                unsafe key.open(
                    UnsafeRawBufferPointer(start: sealed, count: count),
                    into: destination,
                    nonce: UnsafeRawBufferPointer(start: nonce, count: nonceCount),
                    header: UnsafeRawBufferPointer(start: header, count: headerCount)
                )
            else { return NGTCP2_ERR_DECRYPT }
            return 0
        }
        unsafe table.hp_mask = { mask, _, context, sample in
            guard let mask = unsafe mask, let sample = unsafe sample,
                let key = unsafe ProtectionKey(handle: context?.pointee.native_handle),
                unsafe key.mask(mask, sample: sample)
            else { return NGTCP2_ERR_CALLBACK_FAILURE }
            return 0
        }
    }
}
