import BrokerCluster
import Testing

@Suite("Which node has a lane")
struct RendezvousTests {
    @Test("Nodes have about as many lanes each")
    func spread() {
        for count in [2, 3, 4, 6] {
            let lanes = (0..<64).compactMap { Rendezvous.node(for: $0, among: 0..<count) }
            for node in 0..<count {
                let own = lanes.count { $0 == node }
                #expect((64 / count / 2...64 * 2 / count).contains(own), "\(own) of \(count)")
            }
        }
    }

    @Test("Lanes move only from a node that goes")
    func moves() {
        for lane in 0..<64 {
            let before = Rendezvous.node(for: lane, among: [0, 1, 2])
            let after = Rendezvous.node(for: lane, among: [0, 2])
            if before != 1 { #expect(after == before) }
        }
        #expect(Rendezvous.node(for: 1, among: []) == nil)
    }
}
