internal import CNIOBoringSSL

/// AES-128 on single blocks, which encrypts what a connection identifier says (QUIC-LB).
@safe final class BlockCipher {
    private let forward: UnsafeMutablePointer<AES_KEY>
    private let backward: UnsafeMutablePointer<AES_KEY>

    /// - Parameter key: 16 octets.
    /// - Throws: `QUICError.engine` if the key has another length.
    init(key: [UInt8]) throws(QUICError) {
        guard key.count == 16 else { throw .engine("a key of AES-128 has 16 octets, not \(key.count)") }
        unsafe self.forward = .allocate(capacity: 1)
        unsafe self.backward = .allocate(capacity: 1)
        let made = unsafe AES_set_encrypt_key(key, 128, self.forward) | AES_set_decrypt_key(key, 128, self.backward)
        precondition(made == 0, "AES takes any key of its length")
    }

    deinit {
        unsafe OPENSSL_cleanse(self.forward, MemoryLayout<AES_KEY>.size)
        unsafe OPENSSL_cleanse(self.backward, MemoryLayout<AES_KEY>.size)
        unsafe self.forward.deallocate()
        unsafe self.backward.deallocate()
    }

    func encrypt(_ block: inout IdentifierBlock) {
        unsafe withUnsafeMutableBytes(of: &block) { unsafe AES_encrypt($0.bytes, $0.bytes, self.forward) }
    }

    func decrypt(_ block: inout IdentifierBlock) {
        unsafe withUnsafeMutableBytes(of: &block) { unsafe AES_decrypt($0.bytes, $0.bytes, self.backward) }
    }
}
