/// Which other nodes the relay reaches: each sends a beat a second, in which it says whether it hears the receiver's.
struct RelayBeats {
    /// What is known of another node.
    private struct Entry {
        let node: RelayNode
        /// The instant of its last beat, nanoseconds; `nil` before the first.
        var heard: UInt64?
        /// Whether it hears this node.
        var hearsUs = false
    }

    /// Nanoseconds without a beat after which a node is not heard any more.
    private let patience: UInt64
    /// By the number of the node.
    private var entries: [UInt16: Entry] = [:]

    init(patience: Duration) {
        self.patience = patience.unsignedNanoseconds
    }

    mutating func update(_ members: [RelayNode]) {
        var entries: [UInt16: Entry] = [:]
        for node in members {
            let known = self.entries[node.number]
            entries[node.number] = known?.node == node ? known : Entry(node: node)
        }
        self.entries = entries
    }

    /// Notes a beat that was authentic and new.
    mutating func note(_ node: RelayNode, hearsUs: Bool, now: UInt64) {
        guard self.entries[node.number]?.node == node else { return }
        self.entries[node.number]?.heard = now
        self.entries[node.number]?.hearsUs = hearsUs
    }

    /// Whether beats of the node arrive here.
    func hears(_ node: RelayNode, now: UInt64) -> Bool {
        guard let entry = self.entries[node.number], entry.node == node, let heard = entry.heard else { return false }
        return now < heard || now - heard < self.patience
    }

    /// The members, and whether frames pass both ways, in the order of their numbers.
    func reachability(now: UInt64) -> [RelayReachability] {
        self.entries.values.sorted { $0.node.number < $1.node.number }.map { entry in
            RelayReachability(node: entry.node, isReachable: self.hears(entry.node, now: now) && entry.hearsUs)
        }
    }
}

/// Whether frames pass between this node and a member, both ways.
package struct RelayReachability: Sendable, Equatable {
    package let node: RelayNode
    package let isReachable: Bool
}
