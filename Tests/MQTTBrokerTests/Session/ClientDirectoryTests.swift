import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite struct ClientDirectoryTests {
    private let limits = SharedLimits(Limits())

    private func claim(_ number: UInt64) -> Claim {
        let connection = Connection(
            ConnectionReference(shard: ShardReference(shard: 0), slot: 0, number: number),
            peer: Peer(address: nil, listener: "test"),
            control: nil,
            limits: limits,
            now: Instant(monotonic: .uptimeNanoseconds(1), wall: 0)
        )
        return Claim(of: connection, Connect(clientIdentifier: "a"), expiryInterval: 0)
    }

    @Test("The holder is told once that it is taken over, and the claims that wait keep their order") func order() {
        var directory = ClientDirectory(maximumPendingClaims: 2)
        let claims = (1...4).map { claim($0) }
        #expect(directory.claim(claims[0]) == .free)
        directory.add(claims[0])
        #expect(directory.claim(claims[1]) == .evict(claims[0].connection))
        #expect(directory.claim(claims[2]) == .wait)
        #expect(directory.claim(claims[3]) == .refuse)
        #expect(directory.ended(claims[0].client, of: claims[1].connection).isEmpty)
        let waiting = directory.ended(claims[0].client, of: claims[0].connection)
        #expect(waiting.map(\.connection.number) == [2, 3])
        #expect(directory.count == 0)
    }
}
