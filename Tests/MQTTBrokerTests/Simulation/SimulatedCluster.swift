import NIOCore

@testable import MQTTBroker

/// What several simulated nodes share: links between their shards, which keep their order each, and the logs of the lanes.
struct SimulatedCluster {
    let nodes: Int
    /// Shards of each node.
    let shards: Int
    /// True for a node whose process is there.
    var isAlive: [Bool]
    /// True for a node that stands still: nothing that comes is handled.
    var isPaused: [Bool]
    /// True for a node that knows that its run is over, until it has another one.
    var isIsolated: [Bool]
    /// False for a node whose run the others count as over.
    var isMember: [Bool]
    /// Runs of other nodes that a node knows, and has links to: from one node to the other.
    var known: Set<Link> = []
    /// What a paused node is to hear of others once it goes on.
    var unheard: [[NodeEvent]]
    /// What is on its way from one shard to another, at `link(from:to:)`.
    var links: [[Parcel]]
    /// Links, by their places, whose other end has begun anew, and whose sender has not heard that: what it sends is lost.
    var lost: Set<Int> = []
    /// Nodes that do not hear each other for a while: from one to the other.
    var cuts: Set<Link> = []
    /// Links between shards, by their places, that deliver nothing for a while.
    var slow: Set<Int> = []
    var lanes = [Lane](repeating: Lane(), count: MQTTBroker.Lane.count)
    /// Lanes that a shard is about to lead: its term record is written, and it has not replayed the log yet.
    var takes: [Take] = []
    /// Batches that are on their way to a lane.
    var appends: [Append] = []
    /// Lanes whose streams elect a leader, a bit for each: nothing is stored or answered.
    var stalled: UInt64 = 0
    /// The cleanings that are under way, by the places of their shards.
    var cleanings: [Int: Cleaning] = [:]

    /// From one node to another.
    struct Link: Hashable {
        let from: Int
        let to: Int
    }

    /// What a link carries.
    enum Parcel {
        case messages(ByteBuffer)
        /// The sender's end of the link has begun anew.
        case reset
    }

    /// What a node hears of another one.
    enum NodeEvent {
        case joined(Int)
        case died(Int)
        case suspected(Int, Bool)
        /// A link to it has lost messages.
        case lostLink(Int)
    }

    /// The log of a lane in the engine.
    struct Lane {
        enum Entry {
            case term
            case batch(ByteBuffer)
        }

        /// The newest ones; `purged` are deleted.
        private(set) var entries: [Entry] = []
        /// How many entries were deleted.
        private(set) var purged = 0
        /// The newest term, and who leads in it.
        private(set) var lead: (term: UInt64, seat: Int)?

        /// The number of the next entry.
        var end: Int { purged + entries.count }

        mutating func append(term: UInt64, of seat: Int) {
            lead = (term, seat)
            entries.append(.term)
        }

        mutating func append(_ octets: ByteBuffer) { entries.append(.batch(octets)) }

        subscript(number: Int) -> Entry { entries[number - purged] }

        mutating func purge(before number: Int) {
            entries.removeFirst(max(0, number - purged))
            purged = max(purged, number)
        }
    }

    struct Take {
        let lane: Int
        let seat: Int
        let term: UInt64
        /// The number of the next entry to replay, and of the term record, up to which everything is replayed.
        var next: Int
        let end: Int
    }

    struct Append {
        let lane: Int
        let seat: Int
        let term: UInt64
        let batches: [LaneBatch]
        /// True if the engine has it, and its writer does not know.
        var isStored = false
    }

    /// A shard writes again what is alive in its lanes.
    struct Cleaning {
        /// Lanes that the shard has led since the cleaning began, a bit for each.
        var led: UInt64
        /// Of each lane, the number of the first entry since then.
        var first: [Int: Int] = [:]
    }

    /// True if a shard of a node hears what others send it, and is heard.
    func hasLinks(_ node: Int) -> Bool { isAlive[node] && isMember[node] && !isIsolated[node] }

    /// The place of a link, by the places of two shards.
    func link(from: Int, to: Int) -> Int { from * nodes * shards + to }

    /// The places of the shards at the ends of a link.
    func ends(ofLink link: Int) -> (from: Int, to: Int) { (link / (nodes * shards), link % (nodes * shards)) }

    func isTaking(_ lane: Int) -> Bool { takes.contains { $0.lane == lane } }

    init(nodes: Int, shards: Int) {
        links = Array(repeating: [], count: nodes * shards * nodes * shards)
        self.nodes = nodes
        self.shards = shards
        isAlive = Array(repeating: true, count: nodes)
        isMember = isAlive
        isPaused = Array(repeating: false, count: nodes)
        isIsolated = isPaused
        unheard = Array(repeating: [], count: nodes)
    }
}
