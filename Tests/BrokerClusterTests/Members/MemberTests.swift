import BrokerCluster
import Testing

@Suite("Members of a cluster")
struct MemberTests {
    private func member(_ node: Int, run: UInt64) -> Member {
        Member(node: node, run: run, name: "node", shards: 2, relay: nil, format: 1)
    }

    @Test("Only a later run of the same node supersedes a run")
    func supersedes() {
        #expect(member(1, run: 4).isSuperseded(by: member(1, run: 5)))
        #expect(!member(1, run: 5).isSuperseded(by: member(1, run: 4)))
        #expect(!member(1, run: 5).isSuperseded(by: member(1, run: 5)))
        #expect(!member(1, run: 4).isSuperseded(by: member(2, run: 5)))
    }
}
