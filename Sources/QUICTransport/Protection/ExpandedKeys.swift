internal import CNIOBoringSSL

/// What ciphers make of the keys in use: half a KiB for each, so an endpoint has room for some thousands of them, and the
/// longest there gives way. To expand a key anew costs less than a tenth of a microsecond.
@safe final class ExpandedKeys {
    /// Keys that are expanded at a time.
    static let capacity = 4_096
    private static let stride = unsafe (max(MemoryLayout<EVP_AEAD_CTX>.size, MemoryLayout<AES_KEY>.size) + 63) & ~63

    /// Not touched, and so not resident, before it is used.
    private let forms: UnsafeMutableRawPointer
    private let owners: UnsafeMutableBufferPointer<UnsafeMutablePointer<ProtectionKey.State>?>
    private let capacity: Int
    /// Places that deleted keys have left, to be filled again first.
    private var vacant: [Int] = []
    /// How many places have ever been filled.
    private var filled = 0
    /// The place whose key gives way next.
    private var next = 0

    init(capacity: Int = ExpandedKeys.capacity) {
        self.capacity = max(1, capacity)
        unsafe self.forms = .allocate(byteCount: self.capacity * Self.stride, alignment: 64)
        unsafe self.owners = .allocate(capacity: self.capacity)
    }

    deinit {
        unsafe OPENSSL_cleanse(self.forms, self.filled * Self.stride)
        unsafe self.forms.deallocate()
        unsafe self.owners.deallocate()
    }

    /// Expands a key that is not. `nil` if the cipher refuses it.
    func expand(_ key: UnsafeMutablePointer<ProtectionKey.State>) -> UnsafeMutableRawPointer? {
        let place = self.makeRoom()
        let form = unsafe self.forms.advanced(by: place * Self.stride)
        guard unsafe self.fill(form, with: key) else {
            ERR_clear_error()
            unsafe self.owners[place] = nil
            self.vacant.append(place)
            return nil
        }
        unsafe self.owners[place] = key
        unsafe key.pointee.expanded = form
        return unsafe form
    }

    /// Wipes out what was made of a key.
    func remove(_ key: UnsafeMutablePointer<ProtectionKey.State>) {
        guard let form = unsafe key.pointee.expanded else { return }
        let place = unsafe (form - self.forms) / Self.stride
        unsafe OPENSSL_cleanse(form, Self.stride)
        unsafe key.pointee.expanded = nil
        unsafe self.owners[place] = nil
        self.vacant.append(place)
    }

    private func makeRoom() -> Int {
        if let place = self.vacant.popLast() { return place }
        if self.filled < self.capacity {
            self.filled += 1
            return self.filled - 1
        }
        let place = self.next
        self.next = (place + 1) % self.capacity
        unsafe self.owners[place]?.pointee.expanded = nil
        return place
    }

    private func fill(_ form: UnsafeMutableRawPointer, with key: UnsafeMutablePointer<ProtectionKey.State>) -> Bool {
        let cipher = unsafe key.pointee.cipher
        return unsafe withUnsafeBytes(of: &key.pointee.octets) { octets in
            switch unsafe key.pointee.purpose {
            case .packets:
                let context = unsafe form.bindMemory(to: EVP_AEAD_CTX.self, capacity: 1)
                return unsafe EVP_AEAD_CTX_init(
                    context,
                    cipher.algorithm,
                    octets.bytes,
                    cipher.keyCount,
                    ProtectionKey.tagCount,
                    nil
                ) == 1
            case .headers:
                let context = unsafe form.bindMemory(to: AES_KEY.self, capacity: 1)
                return unsafe AES_set_encrypt_key(octets.bytes, UInt32(8 * cipher.keyCount), context) == 0
            }
        }
    }
}

extension QUICCipher {
    fileprivate var algorithm: OpaquePointer? {
        switch self {
        case .aes128GCM: unsafe EVP_aead_aes_128_gcm()
        case .aes256GCM: unsafe EVP_aead_aes_256_gcm()
        case .chacha20Poly1305: unsafe EVP_aead_chacha20_poly1305()
        }
    }
}
