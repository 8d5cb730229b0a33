#if DEBUG || FUZZING
    internal import CNgtcp2
    import Glibc

    /// A handshake of two packets and packet protection that copies plain text, for fuzzing.
    ///
    /// Packets have a tag of 16 octets; one whose last octet is 0xff counts as forged.
    enum NullProtection {
        static let tagCount = 16

        nonisolated(unsafe) static let callbacks: UnsafePointer<ngtcp2_callbacks> = {
            let place = UnsafeMutablePointer<ngtcp2_callbacks>.allocate(capacity: 1)
            unsafe place.initialize(to: EngineCallbacks.server.pointee)
            unsafe place.pointee.recv_client_initial = { conn, _, _ in
                var context = unsafe makeContext()
                var cipher = unsafe ngtcp2_crypto_aead_ctx(native_handle: dummyHandle)
                var mask = unsafe ngtcp2_crypto_cipher_ctx(native_handle: dummyHandle)
                unsafe ngtcp2_conn_set_initial_crypto_ctx(conn, &context)
                return unsafe ngtcp2_conn_install_initial_key(
                    conn,
                    &cipher,
                    zeros,
                    &mask,
                    &cipher,
                    zeros,
                    &mask,
                    ivCount
                )
            }
            unsafe place.pointee.recv_crypto_data = { conn, level, _, _, _, _ in
                guard let conn = unsafe conn else { return NGTCP2_ERR_CALLBACK_FAILURE }
                return unsafe acceptCryptoData(conn, level)
            }
            unsafe place.pointee.encrypt = { destination, _, _, plain, count, _, _, _, _ in
                guard let destination = unsafe destination, let plain = unsafe plain else {
                    return NGTCP2_ERR_CALLBACK_FAILURE
                }
                unsafe memmove(destination, plain, count)
                unsafe memset(destination.advanced(by: count), 0, tagCount)
                return 0
            }
            unsafe place.pointee.decrypt = { destination, _, _, sealed, count, _, _, _, _ in
                guard count >= tagCount, let destination = unsafe destination, let sealed = unsafe sealed,
                    unsafe sealed[count - 1] != 0xff
                else { return NGTCP2_ERR_DECRYPT }
                unsafe memmove(destination, sealed, count - tagCount)
                return 0
            }
            unsafe place.pointee.hp_mask = { mask, _, _, _ in
                unsafe mask?.update(repeating: 0, count: 5)
                return 0
            }
            unsafe place.pointee.update_key = { _, receive, send, receiver, receiveIV, sender, sendIV, _, _, count, _ in
                unsafe receive?.update(repeating: 1, count: count)
                unsafe send?.update(repeating: 1, count: count)
                unsafe receiveIV?.update(repeating: 0, count: ivCount)
                unsafe sendIV?.update(repeating: 0, count: ivCount)
                unsafe receiver?.pointee.native_handle = dummyHandle
                unsafe sender?.pointee.native_handle = dummyHandle
                return 0
            }
            unsafe place.pointee.delete_crypto_aead_ctx = { _, _, _ in }
            unsafe place.pointee.delete_crypto_cipher_ctx = { _, _, _ in }
            return unsafe UnsafePointer(place)
        }()

        private static let ivCount = 12
        private static let secretCount = 32
        private static let zeros = [UInt8](repeating: 0, count: 64)
        /// A placeholder: ngtcp2 only tests whether there is a context.
        nonisolated(unsafe) private static let dummyHandle = unsafe UnsafeMutableRawPointer(bitPattern: 16)

        private static func makeContext() -> ngtcp2_crypto_ctx {
            var context = unsafe ngtcp2_crypto_ctx()
            unsafe context.aead.native_handle = dummyHandle
            unsafe context.aead.max_overhead = tagCount
            unsafe context.md.native_handle = dummyHandle
            unsafe context.hp.native_handle = dummyHandle
            unsafe context.max_encryption = 1 << 40
            unsafe context.max_decryption_failure = 1 << 40
            return unsafe context
        }

        /// Acts for TLS: the client's first message installs all keys, its second one completes the handshake.
        private static func acceptCryptoData(_ conn: OpaquePointer, _ level: ngtcp2_encryption_level) -> CInt {
            var cipher = unsafe ngtcp2_crypto_aead_ctx(native_handle: dummyHandle)
            var mask = unsafe ngtcp2_crypto_cipher_ctx(native_handle: dummyHandle)
            if level == NGTCP2_ENCRYPTION_LEVEL_INITIAL {
                if unsafe ngtcp2_conn_get_remote_transport_params(conn) != nil { return 0 }
                guard unsafe takeParameters(conn) == 0 else { return NGTCP2_ERR_CALLBACK_FAILURE }
                var context = unsafe makeContext()
                unsafe ngtcp2_conn_set_crypto_ctx(conn, &context)
                let installed = unsafe [
                    ngtcp2_conn_install_rx_handshake_key(conn, &cipher, zeros, ivCount, &mask),
                    ngtcp2_conn_install_tx_handshake_key(conn, &cipher, zeros, ivCount, &mask),
                    ngtcp2_conn_install_tx_key(conn, zeros, secretCount, &cipher, zeros, ivCount, &mask),
                    ngtcp2_conn_submit_crypto_data(conn, NGTCP2_ENCRYPTION_LEVEL_INITIAL, zeros, 32),
                    ngtcp2_conn_submit_crypto_data(conn, NGTCP2_ENCRYPTION_LEVEL_HANDSHAKE, zeros, 32),
                ]
                return installed.allSatisfy { $0 == 0 } ? 0 : NGTCP2_ERR_CALLBACK_FAILURE
            }
            guard level == NGTCP2_ENCRYPTION_LEVEL_HANDSHAKE,
                unsafe ngtcp2_conn_get_handshake_completed(conn) == 0
            else {
                unsafe ngtcp2_conn_set_tls_alert(conn, UInt8(GNUTLS_A_UNEXPECTED_MESSAGE.rawValue))
                return NGTCP2_ERR_CRYPTO
            }
            let status = unsafe ngtcp2_conn_install_rx_key(conn, zeros, secretCount, &cipher, zeros, ivCount, &mask)
            guard status == 0 else { return NGTCP2_ERR_CALLBACK_FAILURE }
            unsafe ngtcp2_conn_tls_handshake_completed(conn)
            return 0
        }

        /// The transport parameters of the client.
        private static func takeParameters(_ conn: OpaquePointer) -> CInt {
            var parameters = unsafe ngtcp2_transport_params(QUICConfiguration())
            unsafe parameters.initial_scid = ngtcp2_conn_get_dcid(conn).pointee
            unsafe parameters.initial_scid_present = 1
            unsafe parameters.initial_max_streams_bidi = 4
            var octets = [UInt8](repeating: 0, count: 256)
            let count = unsafe shim_transport_params_encode(&octets, octets.count, &parameters)
            guard count > 0 else { return -1 }
            return unsafe ngtcp2_conn_decode_and_set_remote_transport_params(conn, octets, count)
        }
    }
#endif
