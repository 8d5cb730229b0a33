#if DEBUG
    internal import CNgtcp2

    /// What no honest peer does, or does so seldom that tests have to ask for it.
    extension Engine {
        /// Sends CRYPTO data of TLS's after the handshake.
        func submitCryptoData(_ octets: [UInt8]) -> Bool {
            unsafe ngtcp2_conn_submit_crypto_data(self.conn, NGTCP2_ENCRYPTION_LEVEL_1RTT, octets, octets.count) == 0
        }

        /// Changes to new packet protection keys (RFC 9001 §6). False before the last change is acknowledged.
        func updateKeys(now: UInt64) -> Bool {
            unsafe ngtcp2_conn_initiate_key_update(self.conn, now) == 0
        }
    }
#endif
