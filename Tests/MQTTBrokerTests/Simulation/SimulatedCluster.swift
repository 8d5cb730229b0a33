import NIOCore

@testable import MQTTBroker

/// What several simulated nodes share: links between their shards, which keep their order each, and the logs of the lanes.
struct SimulatedCluster {
    let nodes: Int
    /// Shards of each node.
    let shards: Int
    /// True for a node that is there.
    var isAlive: [Bool]
    /// What is on its way from one shard to another, at `link(from:to:)`.
    var links: [[ByteBuffer]]
    /// Nodes that do not hear each other: from one to the other.
    var cuts: Set<Link> = []
    var lanes = [Lane](repeating: Lane(), count: MQTTBroker.Lane.count)
    /// Lanes that a shard is about to lead: its term record is written, and it has not replayed the log yet.
    var takes: [Take] = []
    /// Batches that are on their way to a lane.
    var appends: [Append] = []

    /// From one shard, or node, to another.
    struct Link: Hashable {
        let from: Int
        let to: Int
    }

    /// The log of a lane in the engine.
    struct Lane {
        enum Entry {
            case term(UInt64, seat: Int)
            case batch(ByteBuffer)
        }

        var entries: [Entry] = []

        /// The newest term, and who leads in it.
        var lead: (term: UInt64, seat: Int)? {
            for case .term(let term, let seat) in entries.reversed() { return (term, seat) }
            return nil
        }
    }

    struct Take {
        let lane: Int
        let seat: Int
        let term: UInt64
    }

    struct Append {
        let lane: Int
        let seat: Int
        let term: UInt64
        let batches: [LaneBatch]
        /// True once the engine has stored it, of which the shard has not heard.
        var isStored = false
    }

    /// The place of a link, by the places of two shards.
    func link(from: Int, to: Int) -> Int { from * nodes * shards + to }

    /// The places of the shards at the ends of a link.
    func ends(ofLink link: Int) -> (from: Int, to: Int) { (link / (nodes * shards), link % (nodes * shards)) }

    init(nodes: Int, shards: Int) {
        links = Array(repeating: [], count: nodes * shards * nodes * shards)
        self.nodes = nodes
        self.shards = shards
        isAlive = Array(repeating: true, count: nodes)
    }
}
