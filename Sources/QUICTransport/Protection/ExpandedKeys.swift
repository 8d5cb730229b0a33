internal import CNIOBoringSSL

/// A pool of expanded cipher keys, half a KiB each, for the keys that an endpoint's connections use.
///
/// The pool has room for some thousands of keys; a new key replaces the one that has been there for longest. Expanding a key
/// again costs less than a tenth of a microsecond.
@safe final class ExpandedKeys {
    /// The number of keys in the pool at a time.
    static let capacity = 4_096
    private static let stride = unsafe (max(MemoryLayout<EVP_AEAD_CTX>.size, MemoryLayout<AES_KEY>.size) + 63) & ~63

    /// The number of places that are allocated at a time: most endpoints have few connections.
    private static let placesOfPiece = 64

    private var pieces: [UnsafeMutableRawPointer] = unsafe []
    /// Expanded keys by place; as many as were ever in use at once.
    private var owners: [UnsafeMutablePointer<ProtectionKey.State>?] = unsafe []
    private let capacity: Int
    /// Packets that keys of the pool have found authentic.
    @exclusivity(unchecked) var opened = 0
    /// Places of deleted keys, which are used again first.
    private var vacant: [Int] = []
    /// The place whose key is replaced next.
    private var next = 0

    init(capacity: Int = ExpandedKeys.capacity) {
        self.capacity = max(1, capacity)
    }

    deinit {
        while let piece = unsafe self.pieces.popLast() {
            unsafe OPENSSL_cleanse(piece, Self.placesOfPiece * Self.stride)
            unsafe piece.deallocate()
        }
    }

    /// Expands a key that is not in the pool. `nil` if the cipher refuses it.
    func expand(_ key: UnsafeMutablePointer<ProtectionKey.State>) -> UnsafeMutableRawPointer? {
        let place = self.makeRoom()
        let form = unsafe self.form(place)
        guard unsafe self.fill(form, with: key) else {
            ERR_clear_error()
            unsafe self.owners[place] = nil
            self.vacant.append(place)
            return nil
        }
        unsafe self.owners[place] = key
        unsafe key.pointee.expanded = form
        unsafe key.pointee.place = place
        return unsafe form
    }

    /// Wipes the expanded form of a key.
    func remove(_ key: UnsafeMutablePointer<ProtectionKey.State>) {
        guard let form = unsafe key.pointee.expanded else { return }
        unsafe OPENSSL_cleanse(form, Self.stride)
        unsafe key.pointee.expanded = nil
        unsafe self.owners[key.pointee.place] = nil
        unsafe self.vacant.append(key.pointee.place)
    }

    private func form(_ place: Int) -> UnsafeMutableRawPointer {
        unsafe self.pieces[place / Self.placesOfPiece].advanced(by: place % Self.placesOfPiece * Self.stride)
    }

    private func makeRoom() -> Int {
        if let place = self.vacant.popLast() { return place }
        let filled = unsafe self.owners.count
        if filled < self.capacity {
            unsafe self.owners.append(nil)
            if filled % Self.placesOfPiece == 0 {
                let size = Self.placesOfPiece * Self.stride
                unsafe self.pieces.append(UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64))
            }
            return filled
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
