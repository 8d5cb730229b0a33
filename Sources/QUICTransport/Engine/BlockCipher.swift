internal import CNgtcp2

/// AES-128 on single blocks. Not for more than one thread.
@safe final class BlockCipher {
    private let handle: gnutls_cipher_hd_t
    /// The TLS library has no ECB: CBC over one block with an initial vector of zeros is the same.
    private let zeros: UnsafeMutableRawBufferPointer

    /// - Parameter key: 16 octets.
    init(key: [UInt8]) throws(QUICError) {
        unsafe self.zeros = .allocate(byteCount: IdentifierBlock.count, alignment: 16)
        unsafe self.zeros.initializeMemory(as: UInt8.self, repeating: 0)
        var handle: gnutls_cipher_hd_t?
        var vector = unsafe gnutls_datum_t(
            data: self.zeros.baseAddress?.assumingMemoryBound(to: UInt8.self),
            size: UInt32(self.zeros.count)
        )
        let status = unsafe withDatum(key) {
            unsafe gnutls_cipher_init(&handle, GNUTLS_CIPHER_AES_128_CBC, $0, &vector)
        }
        guard status == 0, let handle = unsafe handle else {
            unsafe self.zeros.deallocate()
            throw .engine(tlsErrorText(status))
        }
        unsafe self.handle = handle
    }

    deinit {
        unsafe gnutls_cipher_deinit(self.handle)
        unsafe self.zeros.deallocate()
    }

    func encrypt(_ block: inout IdentifierBlock) {
        unsafe gnutls_cipher_set_iv(self.handle, self.zeros.baseAddress, self.zeros.count)
        let status = unsafe withUnsafeMutableBytes(of: &block) {
            unsafe gnutls_cipher_encrypt(self.handle, $0.baseAddress, $0.count)
        }
        precondition(status == 0, "AES failed")
    }

    func decrypt(_ block: inout IdentifierBlock) {
        unsafe gnutls_cipher_set_iv(self.handle, self.zeros.baseAddress, self.zeros.count)
        let status = unsafe withUnsafeMutableBytes(of: &block) {
            unsafe gnutls_cipher_decrypt(self.handle, $0.baseAddress, $0.count)
        }
        precondition(status == 0, "AES failed")
    }
}
