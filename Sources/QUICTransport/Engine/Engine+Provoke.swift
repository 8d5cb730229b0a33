#if DEBUG
    internal import CNgtcp2

    /// Actions that honest peers do not take, or so rarely that tests have to provoke them.
    extension Engine {
        /// Sends CRYPTO data after the handshake.
        func submitCryptoData(_ octets: [UInt8]) -> Bool {
            unsafe ngtcp2_conn_submit_crypto_data(self.conn, NGTCP2_ENCRYPTION_LEVEL_1RTT, octets, octets.count) == 0
        }

        /// Updates the packet protection keys (RFC 9001 §6). False while the last update is unacknowledged.
        func updateKeys(now: UInt64) -> Bool {
            unsafe ngtcp2_conn_initiate_key_update(self.conn, now) == 0
        }
    }
#endif
