/// The other nodes of the cluster, as a shard knows them.
struct Neighbours {
    /// Nodes of a cluster at most, since sets of nodes are bits of one word.
    static let maximumNodes = 32

    /// A run of another node.
    struct Node {
        /// Event loops, 1 to 32.
        let shards: Int
        /// True while nothing is heard of the node: no SUBACK waits for it.
        var isSuspected = false
        /// True once the node has told its interest, and so all that it tells from then on is a change of that.
        var hasTold = false
        /// True once the node has told all that this one has to know before it serves clients.
        var isIntroduced = false
        /// True while the link to the node has no room: messages at QoS 0 for it are dropped.
        var isFull = false
    }

    private var nodes = [Node?](repeating: nil, count: maximumNodes)

    subscript(node: UInt8) -> Node? {
        get { Int(node) < nodes.count ? nodes[Int(node)] : nil }
        set { if Int(node) < nodes.count { nodes[Int(node)] = newValue } }
    }

    /// The numbers of the nodes.
    var numbers: [UInt8] { nodes.indices.filter { nodes[$0] != nil }.map { UInt8($0) } }

    /// The shard of another node that takes what `shard` has for that whole node, always the same one, so that it keeps its order.
    func entry(of node: UInt8, for shard: ShardReference) -> ShardReference? {
        self[node].map { ShardReference(node: Int(node), shard: shard.index % $0.shards) }
    }
}
