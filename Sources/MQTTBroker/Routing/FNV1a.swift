/// The FNV-1a hash, 64 bits wide: the same in every shard and process, unlike `Hasher`. Not for tables whose keys a peer
/// chooses, who could choose keys that collide.
struct FNV1a {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func combine(_ octet: UInt8) {
        value = (value ^ UInt64(octet)) &* 0x0000_0100_0000_01b3
    }

    mutating func combine(_ octets: some Sequence<UInt8>) {
        for octet in octets { combine(octet) }
    }

    static func hash(_ octets: some Sequence<UInt8>) -> UInt64 {
        var hash = Self()
        hash.combine(octets)
        return hash.value
    }
}
