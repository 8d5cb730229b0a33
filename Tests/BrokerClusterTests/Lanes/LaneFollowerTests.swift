import BrokerCluster
import NIOCore
import Testing

@Suite struct LaneFollowerTests {
    private func octets(_ term: UInt64, behind previous: UInt64, _ batch: String?) -> ByteBuffer {
        let content = batch.map { LaneMessage.Content.batch(ByteBuffer(string: $0)) } ?? .term(name: "n")
        return LaneScript.message(term, previous: previous, content).octets
    }

    @Test("A lane is read from wherever it begins, over terms") func reads() {
        var follower = LaneFollower()
        #expect(follower.receive(octets(1, behind: 5, "a"), at: 7) == .batch(ByteBuffer(string: "a")))
        #expect(follower.receive(octets(2, behind: 7, nil), at: 9) == .pass)
        #expect(follower.receive(octets(2, behind: 9, "b"), at: 12) == .batch(ByteBuffer(string: "b")))
    }

    @Test("Behind a purge the lane begins anew") func anew() {
        var follower = LaneFollower()
        #expect(follower.receive(octets(1, behind: 0, "a"), at: 1) == .batch(ByteBuffer(string: "a")))
        #expect(follower.receive(octets(1, behind: 4, "c"), at: 6) == .anew(ByteBuffer(string: "c")))
        #expect(follower.receive(octets(1, behind: 6, "d"), at: 7) == .batch(ByteBuffer(string: "d")))
        #expect(follower.receive(octets(2, behind: 8, nil), at: 9) == .anew(nil))
    }

    @Test("What nobody can have written is found") func damaged() {
        for (message, sequence) in [
            (octets(1, behind: 3, "b"), UInt64(9)), (octets(2, behind: 9, "b"), 9), (octets(1, behind: 5, "b"), 9),
            (ByteBuffer(string: "?"), 9),
        ] {
            var follower = LaneFollower()
            _ = follower.receive(octets(2, behind: 0, "a"), at: 5)
            guard case .damaged = follower.receive(message, at: sequence) else {
                Issue.record("message behind is taken")
                continue
            }
        }
    }
}
