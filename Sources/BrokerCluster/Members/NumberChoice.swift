import NIOCore

/// Which number a node takes, by what it knows of all of them.
enum NumberChoice: Equatable {
    /// Nobody's, or this node's own, or a dead node's.
    case take(node: Int)
    /// It shows with time.
    case wait
    case refuse(String)

    /// - Parameters:
    ///   - earlier: the number that the node had before.
    ///   - silentSince: since when this node hears what is said; `nil` if it does not.
    init(
        _ identity: NodeIdentity,
        earlier: Int?,
        among nodes: [KnownNode],
        silentSince: NIODeadline?,
        _ times: MembershipTimes,
        _ now: NIODeadline
    ) {
        if let number = identity.number {
            guard nodes.indices.contains(number) else {
                self = .refuse("node.number is \(number), and a cluster has the numbers 0 to \(nodes.count - 1)")
                return
            }
            let node = nodes[number]
            if Self.isFree(node, identity, silentSince, times, now) {
                self = .take(node: number)
            } else if let other = node.member, node.isHeard(within: times.lease, now) {
                self = .refuse(
                    "node.number is \(number), which the node \(other.name) of this cluster has; give each node its own"
                )
            } else {
                self = .wait
            }
            return
        }
        let own = nodes.first { $0.record?.token == identity.token }?.number
        let candidates = [own, earlier].compactMap { $0 }.filter(nodes.indices.contains) + Array(nodes.indices)
        let unclaimed = candidates.first { Self.isUnclaimed(nodes[$0], identity, times, now) }
        let free = { candidates.first { Self.isFree(nodes[$0], identity, silentSince, times, now) } }
        if let node = unclaimed ?? free() {
            self = .take(node: node)
        } else if nodes.allSatisfy({ $0.isHeard(within: times.lease, now) }) {
            self = .refuse("the cluster has \(nodes.count) nodes already, which is as many as may be")
        } else {
            self = .wait
        }
    }

    /// True for a number that nobody has, or that this node itself had.
    private static func isUnclaimed(
        _ node: KnownNode,
        _ identity: NodeIdentity,
        _ times: MembershipTimes,
        _ now: NIODeadline
    ) -> Bool {
        guard let record = node.record else { return !node.isHeard(within: times.lease, now) }
        return record.token == identity.token
    }

    /// True also for a number whose node has left or is dead.
    private static func isFree(
        _ node: KnownNode,
        _ identity: NodeIdentity,
        _ silentSince: NIODeadline?,
        _ times: MembershipTimes,
        _ now: NIODeadline
    ) -> Bool {
        if isUnclaimed(node, identity, times, now) || node.hasLeft { return true }
        guard node.record != nil, let silentSince else { return false }
        return now >= max(silentSince, node.lastEvidence) + times.deadAfter
    }
}
