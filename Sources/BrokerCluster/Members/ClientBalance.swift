/// When a node lets clients go, so that they connect to other nodes: after nodes have come back, their clients are at the others. Without IO.
package struct ClientBalance: Sendable, Equatable {
    package var isEnabled = true
    /// A node with no more clients than this keeps them.
    package var threshold = 1_000
    /// A node that has more clients than so many times the mean of all nodes lets some go, until it has no more than the mean. 1.01 to 10.
    package var ratio = 1.1
    /// Clients that a node lets go in a second at most.
    package var rate = 500

    package init() {}

    /// The clients that a node is to let go in a second.
    ///
    /// - Parameters:
    ///   - own: of the node.
    ///   - others: of each other node that is heard of.
    ///   - isUnderWay: true if the node has let some go a second ago.
    package func clientsToLetGo(own: Int, others: [Int], isUnderWay: Bool) -> Int {
        guard isEnabled, !others.isEmpty, own > threshold else { return 0 }
        let mean = others.reduce(own, +) / (others.count + 1)
        let bound = isUnderWay ? Double(mean) : Double(mean) * ratio
        guard Double(own) > bound else { return 0 }
        return min(rate, own - mean)
    }
}
