import Testing

@testable import QUICTransport

/// Which nodes the relay reaches.
@Suite struct RelayBeatsTests {
    private static let node = RelayNode(number: 2, incarnation: 1)
    private var beats = RelayBeats(patience: .nanoseconds(100))

    private func isReachable(now: UInt64) -> Bool { self.beats.reachability(now: now).first?.isReachable == true }

    @Test mutating func bothWaysArePassable() {
        self.beats.update([Self.node])
        #expect(!self.isReachable(now: 0))
        self.beats.note(Self.node, hearsUs: false, now: 1)
        #expect(!self.isReachable(now: 1))
        #expect(self.beats.hears(Self.node, now: 1))
        self.beats.note(Self.node, hearsUs: true, now: 2)
        #expect(self.isReachable(now: 101))
        #expect(!self.isReachable(now: 102))
        #expect(!self.beats.hears(Self.node, now: 102))
    }

    /// A beat of a former run says nothing of the next one.
    @Test mutating func runsAreApart() {
        self.beats.update([Self.node])
        self.beats.note(Self.node, hearsUs: true, now: 1)
        let next = RelayNode(number: 2, incarnation: 2)
        self.beats.update([next])
        #expect(!self.isReachable(now: 1))
        self.beats.note(Self.node, hearsUs: true, now: 1)
        #expect(!self.isReachable(now: 1))
        self.beats.update([])
        #expect(self.beats.reachability(now: 1).isEmpty)
    }

    @Test mutating func knownNodesStayKnown() {
        self.beats.update([Self.node])
        self.beats.note(Self.node, hearsUs: true, now: 1)
        self.beats.update([Self.node, RelayNode(number: 1, incarnation: 1)])
        let expected = [
            RelayReachability(node: RelayNode(number: 1, incarnation: 1), isReachable: false),
            RelayReachability(node: Self.node, isReachable: true),
        ]
        #expect(self.beats.reachability(now: 2) == expected)
    }
}
