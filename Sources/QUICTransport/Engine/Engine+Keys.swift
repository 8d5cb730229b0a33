internal import CNgtcp2

/// Packet protection. TLS gives secrets, `Protection` derives keys from them, and ngtcp2 holds the keys and chooses among
/// them.
extension Engine {
    private var pool: ExpandedKeys { self.context.expandedKeys }

    // MARK: Initial

    /// Installs the keys of Initial packets.
    ///
    /// - Parameter identifier: the destination identifier of the client's first packet, or the source identifier of a Retry.
    func installInitialKeys(_ identifier: UnsafePointer<ngtcp2_cid>) -> Bool {
        let secrets = unsafe withUnsafeBytes(of: identifier.pointee.data) {
            unsafe KeySchedule.initialSecrets(UnsafeRawBufferPointer(rebasing: $0.prefix(identifier.pointee.datalen)))
        }
        guard let secrets else { return false }
        var context = unsafe ngtcp2_crypto_ctx()
        unsafe context.aead.native_handle = self.nameless(GNUTLS_CIPHER_AES_128_GCM)
        unsafe context.aead.max_overhead = ProtectionKey.tagCount
        unsafe context.md.native_handle = self.nameless(GNUTLS_CIPHER_AES_128_GCM)
        unsafe context.hp.native_handle = self.nameless(GNUTLS_CIPHER_AES_128_GCM)
        unsafe ngtcp2_conn_set_initial_crypto_ctx(self.conn, &context)
        let (own, peers) = self.isServer ? (secrets.server, secrets.client) : (secrets.client, secrets.server)
        guard let receiving = unsafe withUnsafeBytes(of: peers, { unsafe PacketKeys($0, .aes128GCM, in: self.pool) })
        else { return false }
        guard let sending = unsafe withUnsafeBytes(of: own, { unsafe PacketKeys($0, .aes128GCM, in: self.pool) }) else {
            receiving.delete()
            return false
        }
        self.installRetryKey()
        var keys = unsafe (receiving.context, receiving.headerContext, sending.context, sending.headerContext)
        let status = unsafe receiving.withVector { receivingVector in
            unsafe sending.withVector { sendingVector in
                unsafe ngtcp2_conn_install_initial_key(
                    self.conn,
                    &keys.0,
                    receivingVector,
                    &keys.1,
                    &keys.2,
                    sendingVector,
                    &keys.3,
                    ProtectionKey.nonceCount
                )
            }
        }
        if status == 0 { return true }
        receiving.delete()
        sending.delete()
        return false
    }

    /// Installs the keys of the integrity tag of Retry packets, on a client that may still receive a Retry.
    private func installRetryKey() {
        guard !self.isServer, unsafe ngtcp2_conn_after_retry(self.conn) == 0 else { return }
        var retry = unsafe ngtcp2_crypto_aead(
            native_handle: self.nameless(GNUTLS_CIPHER_AES_128_GCM),
            max_overhead: ProtectionKey.tagCount
        )
        let key = unsafe withUnsafeBytes(of: KeySchedule.retryKey) {
            unsafe ProtectionKey($0, .aes128GCM, for: .packets, in: self.pool)
        }
        var context = unsafe ngtcp2_crypto_aead_ctx(native_handle: key.handle)
        unsafe ngtcp2_conn_set_retry_aead(self.conn, &retry, &context)
    }

    /// The number of a cipher, in the place of ngtcp2's pointer to a cipher.
    private func nameless(_ cipher: gnutls_cipher_algorithm_t) -> UnsafeMutableRawPointer? {
        unsafe UnsafeMutableRawPointer(bitPattern: UInt(cipher.rawValue))
    }

    // MARK: After TLS

    /// Installs the keys of a level that TLS has reached.
    ///
    /// - Parameters:
    ///   - receiving: the secret of the peer's packets, `nil` for none.
    ///   - sending: the secret of this side's packets, `nil` for none.
    func install(
        _ level: gnutls_record_encryption_level_t,
        receiving: UnsafeRawBufferPointer?,
        sending: UnsafeRawBufferPointer?
    ) -> Bool {
        guard case .live(let tls) = self.tls, let cipher = self.cipher(of: level, tls) else { return false }
        if let receiving = unsafe receiving, unsafe !self.install(receiving, of: level, cipher, isPeers: true) {
            return false
        }
        if let sending = unsafe sending, unsafe !self.install(sending, of: level, cipher, isPeers: false) {
            return false
        }
        return true
    }

    /// Tells ngtcp2 the cipher, once.
    private func cipher(of level: gnutls_record_encryption_level_t, _ tls: TLSSession) -> QUICCipher? {
        let handle = unsafe UnsafeMutableRawPointer(tls.handle)
        var context = unsafe ngtcp2_crypto_ctx()
        if level == GNUTLS_ENCRYPTION_LEVEL_EARLY {
            guard unsafe ngtcp2_crypto_ctx_tls_early(&context, handle) != nil else { return nil }
            unsafe ngtcp2_conn_set_0rtt_crypto_ctx(self.conn, &context)
            return unsafe QUICCipher(context)
        }
        if let known = unsafe ngtcp2_conn_get_crypto_ctx(self.conn), unsafe known.pointee.aead.native_handle != nil {
            return unsafe QUICCipher(known.pointee)
        }
        guard unsafe ngtcp2_crypto_ctx_tls(&context, handle) != nil else { return nil }
        unsafe ngtcp2_conn_set_crypto_ctx(self.conn, &context)
        return unsafe QUICCipher(context)
    }

    private func install(
        _ secret: UnsafeRawBufferPointer,
        of level: gnutls_record_encryption_level_t,
        _ cipher: QUICCipher,
        isPeers: Bool
    ) -> Bool {
        // Only clients send early data.
        if level == GNUTLS_ENCRYPTION_LEVEL_EARLY, isPeers != self.isServer { return true }
        guard let keys = unsafe PacketKeys(secret, cipher, in: self.pool) else { return false }
        var packets = unsafe keys.context
        var headers = unsafe keys.headerContext
        let count = ProtectionKey.nonceCount
        let status: CInt = unsafe keys.withVector { vector in
            switch level {
            case GNUTLS_ENCRYPTION_LEVEL_EARLY:
                return unsafe ngtcp2_conn_install_0rtt_key(self.conn, &packets, vector, count, &headers)
            case GNUTLS_ENCRYPTION_LEVEL_HANDSHAKE:
                let install =
                    unsafe isPeers ? ngtcp2_conn_install_rx_handshake_key : ngtcp2_conn_install_tx_handshake_key
                return unsafe install(self.conn, &packets, vector, count, &headers)
            case GNUTLS_ENCRYPTION_LEVEL_APPLICATION:
                let install = unsafe isPeers ? ngtcp2_conn_install_rx_key : ngtcp2_conn_install_tx_key
                return unsafe install(self.conn, secret.bytes, secret.count, &packets, vector, count, &headers)
            default:
                return NGTCP2_ERR_INVALID_ARGUMENT
            }
        }
        if status != 0 { keys.delete() }
        return status == 0
    }

    // MARK: Key update

    /// Derives the secret and the keys of the next key phase (RFC 9001 §6.1).
    func updatedKeys(
        from secret: UnsafeRawBufferPointer,
        secret updated: UnsafeMutableRawBufferPointer
    ) -> PacketKeys? {
        guard let context = unsafe ngtcp2_conn_get_crypto_ctx(self.conn),
            let cipher = unsafe QUICCipher(context.pointee),
            unsafe KeySchedule.expand(secret, KeySchedule.Label.update, cipher, into: updated)
        else { return nil }
        return unsafe PacketKeys(UnsafeRawBufferPointer(updated), cipher, in: self.pool, withHeaders: false)
    }
}

extension QUICCipher {
    /// The cipher suite that TLS has chosen, in the form in which ngtcp2 stores it.
    fileprivate init?(_ context: ngtcp2_crypto_ctx) {
        switch unsafe UInt(bitPattern: context.aead.native_handle) {
        case UInt(GNUTLS_CIPHER_AES_128_GCM.rawValue): self = .aes128GCM
        case UInt(GNUTLS_CIPHER_AES_256_GCM.rawValue): self = .aes256GCM
        case UInt(GNUTLS_CIPHER_CHACHA20_POLY1305.rawValue): self = .chacha20Poly1305
        default: return nil
        }
    }
}

extension PacketKeys {
    fileprivate var context: ngtcp2_crypto_aead_ctx {
        unsafe ngtcp2_crypto_aead_ctx(native_handle: self.packets.handle)
    }

    fileprivate var headerContext: ngtcp2_crypto_cipher_ctx {
        unsafe ngtcp2_crypto_cipher_ctx(native_handle: self.headers?.handle)
    }

    fileprivate func withVector<Result>(_ body: (UnsafePointer<UInt8>?) -> Result) -> Result {
        unsafe withUnsafeBytes(of: self.vector) { unsafe body($0.bytes) }
    }
}
