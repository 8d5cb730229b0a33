internal import CNIOBoringSSL

/// A key that protects packets or their headers (RFC 9001 §5.3, §5.4), which ngtcp2 holds by a raw pointer.
///
/// A connection has six keys, most of which are idle most of the time. So a key holds only its octets, and borrows its
/// expanded form from `ExpandedKeys`.
@safe struct ProtectionKey {
    enum Purpose: UInt8 {
        case packets
        case headers
    }

    /// What the raw pointer leads to.
    @safe struct State {
        let cipher: QUICCipher
        let purpose: Purpose
        unowned(unsafe) let pool: ExpandedKeys
        /// The expanded form in the pool, which may take it away at any time.
        var expanded: UnsafeMutableRawPointer?
        /// The place of the expanded form in the pool.
        var place = 0
        var octets: InlineArray<32, UInt8>
    }

    /// Length of the tag after a sealed payload, octets; the same for all ciphers.
    static let tagCount = 16
    /// Length of a nonce, octets; the same for all ciphers.
    static let nonceCount = 12
    /// Length of the sample of a packet that its header's mask is made of, octets.
    static let sampleCount = 16
    /// Length of a header's mask, octets.
    static let maskCount = 5

    private let state: UnsafeMutablePointer<State>

    /// - Parameters:
    ///   - octets: as many as the cipher's key length.
    ///   - pool: must outlive the key.
    init(_ octets: UnsafeRawBufferPointer, _ cipher: QUICCipher, for purpose: Purpose, in pool: ExpandedKeys) {
        unsafe self.state = .allocate(capacity: 1)
        unsafe self.state.initialize(
            to: State(
                cipher: cipher,
                purpose: purpose,
                pool: pool,
                expanded: nil,
                octets: InlineArray(repeating: 0)
            )
        )
        unsafe withUnsafeMutableBytes(of: &self.state.pointee.octets) {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: octets.prefix(cipher.keyCount)))
        }
    }

    /// - Parameter handle: the `handle` of a key that is not deleted.
    init?(handle: UnsafeMutableRawPointer?) {
        guard let handle = unsafe handle else { return nil }
        unsafe self.state = handle.assumingMemoryBound(to: State.self)
    }

    var handle: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(self.state) }

    /// Wipes the key, which must not be used from then on.
    func delete() {
        unsafe self.state.pointee.pool.remove(self.state)
        unsafe OPENSSL_cleanse(self.state, MemoryLayout<State>.size)
        unsafe self.state.deallocate()
    }

    // MARK: Packets

    /// Encrypts a packet's payload, which may lie at the destination, and writes the tag after it.
    ///
    /// - Returns: true if it succeeded.
    func seal(
        _ plain: UnsafeRawBufferPointer,
        into destination: UnsafeMutablePointer<UInt8>,
        nonce: UnsafeRawBufferPointer,
        header: UnsafeRawBufferPointer
    ) -> Bool {
        guard let context = unsafe self.expanded(EVP_AEAD_CTX.self, for: .packets) else { return false }
        var tagCount = 0
        return unsafe EVP_AEAD_CTX_seal_scatter(
            context,
            destination,
            destination.advanced(by: plain.count),
            &tagCount,
            Self.tagCount,
            nonce.bytes,
            nonce.count,
            plain.bytes,
            plain.count,
            nil,
            0,
            header.bytes,
            header.count
        ) == 1
    }

    /// Decrypts a payload with its tag.
    ///
    /// - Returns: true if the packet is authentic.
    func open(
        _ sealed: UnsafeRawBufferPointer,
        into destination: UnsafeMutablePointer<UInt8>,
        nonce: UnsafeRawBufferPointer,
        header: UnsafeRawBufferPointer
    ) -> Bool {
        let count = sealed.count - Self.tagCount
        guard count >= 0, let context = unsafe self.expanded(EVP_AEAD_CTX.self, for: .packets) else { return false }
        let opened = unsafe EVP_AEAD_CTX_open_gather(
            context,
            destination,
            nonce.bytes,
            nonce.count,
            sealed.bytes,
            count,
            sealed.bytes?.advanced(by: count),
            Self.tagCount,
            header.bytes,
            header.count
        )
        // The TLS library queues an error for each forgery, which nothing reads.
        guard opened == 1 else {
            ERR_clear_error()
            return false
        }
        unsafe self.state.pointee.pool.opened &+= 1
        return true
    }

    // MARK: Headers

    /// Makes the mask of a header (RFC 9001 §5.4.3, §5.4.4).
    ///
    /// - Returns: true if it succeeded.
    func mask(_ mask: UnsafeMutablePointer<UInt8>, sample: UnsafePointer<UInt8>) -> Bool {
        if unsafe self.state.pointee.cipher == .chacha20Poly1305 {
            let counter = unsafe UnsafeRawPointer(sample).loadUnaligned(as: UInt32.self).littleEndian
            let zeros: InlineArray<5, UInt8> = [0, 0, 0, 0, 0]
            unsafe withUnsafeBytes(of: zeros) { zeros in
                unsafe withUnsafeBytes(of: &self.state.pointee.octets) { key in
                    unsafe CRYPTO_chacha_20(mask, zeros.bytes, zeros.count, key.bytes, sample.advanced(by: 4), counter)
                }
            }
            return true
        }
        guard let key = unsafe self.expanded(AES_KEY.self, for: .headers) else { return false }
        var block = InlineArray<16, UInt8>(repeating: 0)
        unsafe withUnsafeMutableBytes(of: &block) { block in
            unsafe AES_encrypt(sample, block.bytes, key)
            unsafe mask.update(from: UnsafePointer(block.bytes.unsafelyUnwrapped), count: Self.maskCount)
        }
        return true
    }

    private func expanded<Form>(_ type: Form.Type, for purpose: Purpose) -> UnsafeMutablePointer<Form>? {
        guard unsafe self.state.pointee.purpose == purpose else { return nil }
        let place = unsafe self.state.pointee.expanded ?? self.state.pointee.pool.expand(self.state)
        return unsafe place?.assumingMemoryBound(to: type)
    }
}

extension QUICCipher {
    /// Length of a key, octets.
    var keyCount: Int { self == .aes128GCM ? 16 : 32 }

    /// Length of a secret, octets: that of the cipher suite's hash.
    var secretCount: Int { self == .aes256GCM ? 48 : 32 }
}

extension UnsafeRawBufferPointer {
    var bytes: UnsafePointer<UInt8>? { unsafe self.baseAddress?.assumingMemoryBound(to: UInt8.self) }
}

extension UnsafeMutableRawBufferPointer {
    var bytes: UnsafeMutablePointer<UInt8>? { unsafe self.baseAddress?.assumingMemoryBound(to: UInt8.self) }
}
