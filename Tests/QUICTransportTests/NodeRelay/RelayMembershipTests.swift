import NIOCore
import Testing

@testable import QUICTransport

/// What becomes of packets for the runs of nodes.
@Suite struct RelayMembershipTests {
    private static let address = try? SocketAddress(ipAddress: "127.0.0.1", port: 7)

    private static func run(_ number: UInt16, _ incarnation: UInt16) -> RelayNode {
        RelayNode(number: number, incarnation: incarnation)
    }

    private static func peer(_ number: UInt16, _ incarnation: UInt16, isSuspected: Bool = false) throws
        -> RelayMembership.Peer
    {
        let member = RelayScene.member(number, incarnation: incarnation)
        return RelayMembership.Peer(member, at: try #require(self.address), isSuspected: isSuspected)
    }

    private func fate(_ run: RelayNode, _ runs: KnownRuns) -> String {
        switch runs.fate(of: run) {
        case .member: "member"
        case .suspected: "suspected"
        case .over: "over"
        case .unknown: "unknown"
        }
    }

    @Test func membersAreAskedAndTheDeadAreOver() throws {
        let membership = RelayMembership(
            own: RelayScene.member(1, incarnation: 9),
            peers: [try Self.peer(2, 5), try Self.peer(3, 5, isSuspected: true)],
            dead: [Self.run(4, 7), Self.run(4, 6)]
        )
        let runs = KnownRuns(membership, limits: RelayLimits())
        let expected: [(RelayNode, String)] = [
            (Self.run(2, 5), "member"), (Self.run(2, 4), "over"), (Self.run(2, 6), "unknown"),
            (Self.run(3, 5), "suspected"), (Self.run(3, 4), "over"),
            (Self.run(4, 7), "over"), (Self.run(4, 6), "over"), (Self.run(4, 8), "unknown"),
            (Self.run(5, 1), "unknown"), (Self.run(1, 8), "over"), (Self.run(1, 9), "unknown"),
            (Self.run(1, 10), "unknown"),
        ]
        for (run, fate) in expected { #expect(self.fate(run, runs) == fate, "\(run)") }
        #expect(runs.address(of: Self.run(3, 5)) != nil)
        #expect(runs.address(of: Self.run(3, 4)) == nil)
    }

    /// A node that is no member knows nothing of others, not even that they are dead.
    @Test func isolatedNodeJudgesNobody() throws {
        let membership = RelayMembership(own: nil, peers: [try Self.peer(2, 5)], dead: [Self.run(4, 7)])
        let runs = KnownRuns(membership, limits: RelayLimits())
        for run in [Self.run(2, 5), Self.run(2, 4), Self.run(4, 7), Self.run(1, 8)] {
            #expect(self.fate(run, runs) == "unknown")
        }
    }

    @Test func whatIsKnownIsBounded() throws {
        var limits = RelayLimits()
        limits.members = 1
        limits.deadRuns = 1
        let membership = RelayMembership(
            own: RelayScene.member(1),
            peers: [try Self.peer(2, 5), try Self.peer(3, 5)],
            dead: [Self.run(4, 7), Self.run(5, 7)]
        )
        let runs = KnownRuns(membership, limits: limits)
        #expect(self.fate(Self.run(2, 5), runs) == "member")
        #expect(self.fate(Self.run(3, 5), runs) == "unknown")
        #expect(self.fate(Self.run(4, 7), runs) == "unknown")
        #expect(self.fate(Self.run(5, 7), runs) == "over")
    }
}
