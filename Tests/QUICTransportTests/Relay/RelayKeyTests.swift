import SecretFixture
import Testing

@testable import QUICTransport

/// The keys of relay frames.
@Suite struct RelayKeyTests {
    private static func key(_ member: RelayMember, secret: UInt8 = 7) -> [UInt8] {
        SecretKeys(secret: [UInt8](repeating: secret, count: 32)).relayKey(of: member)
    }

    /// Each run of each node has a key of its own, which all nodes with the secret derive alike.
    @Test func keysDiffer() {
        let member = RelayScene.member(1)
        #expect(Self.key(member) == Self.key(RelayScene.member(1)))
        let keys = [
            Self.key(member), Self.key(member, secret: 8), Self.key(RelayScene.member(2)),
            Self.key(RelayScene.member(1, incarnation: 6)), Self.key(RelayScene.member(1, salt: 2)),
        ]
        #expect(Set(keys).count == keys.count)
        #expect(keys.allSatisfy { $0.count == 16 })
    }

    /// The datagram is authenticated with the whole head.
    @Test func eachOctetCounts() {
        let key = RelayKey(of: RelayScene.member(1), RelayScene.ring)
        var frame = RelayScene.room([0x40])
        frame.withUnsafeMutableBytes { key.seal($0) }
        #expect(frame.withUnsafeBytes { key.isAuthentic($0) })
        for place in frame.indices {
            var other = frame
            other[place] ^= 0x80
            #expect(!other.withUnsafeBytes { key.isAuthentic($0) })
        }
        #expect(!frame.dropLast().withUnsafeBytes { key.isAuthentic($0) })
    }

    @Test func descriptionsShowNoKey() {
        let ring = KeyRing(secret: Marker.key)
        let octets = ring.issuing.relayKey(of: RelayScene.member(1))
        let key = RelayKey(octets, in: ExpandedKeys(capacity: 1))
        for description in Marker.descriptions(of: key) { #expect(!description.contains("\(octets[0]), \(octets[1])")) }
    }
}
