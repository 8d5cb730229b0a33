import Secrets

/// The keys that protect the packets of one direction at one encryption level, derived from one secret (RFC 9001 §5.1).
@safe struct PacketKeys: SecretValue {
    let packets: ProtectionKey
    /// `nil` after a key update, which does not change the header key (RFC 9001 §6).
    let headers: ProtectionKey?
    /// The initialization vector (RFC 9001 §5.3).
    let vector: InlineArray<12, UInt8>

    /// `nil` if the derivation fails.
    init?(_ secret: UnsafeRawBufferPointer, _ cipher: QUICCipher, in pool: ExpandedKeys, withHeaders: Bool = true) {
        var key = InlineArray<32, UInt8>(repeating: 0)
        var vector = InlineArray<12, UInt8>(repeating: 0)
        let made = unsafe withUnsafeMutableBytes(of: &vector) {
            unsafe KeySchedule.expand(secret, KeySchedule.Label.vector, cipher, into: $0)
        }
        guard made else { return nil }
        let keys = unsafe withUnsafeMutableBytes(of: &key) { octets -> (ProtectionKey, ProtectionKey?)? in
            let octets = unsafe UnsafeMutableRawBufferPointer(rebasing: octets[..<cipher.keyCount])
            var headers: ProtectionKey?
            if withHeaders {
                guard unsafe KeySchedule.expand(secret, KeySchedule.Label.header, cipher, into: octets) else {
                    return nil
                }
                headers = unsafe ProtectionKey(UnsafeRawBufferPointer(octets), cipher, for: .headers, in: pool)
            }
            guard unsafe KeySchedule.expand(secret, KeySchedule.Label.key, cipher, into: octets) else {
                headers?.delete()
                return nil
            }
            return unsafe (ProtectionKey(UnsafeRawBufferPointer(octets), cipher, for: .packets, in: pool), headers)
        }
        guard let keys else { return nil }
        (self.packets, self.headers) = keys
        self.vector = vector
    }

    /// Wipes the keys, if ngtcp2 has not taken them over.
    func delete() {
        self.packets.delete()
        self.headers?.delete()
    }
}
