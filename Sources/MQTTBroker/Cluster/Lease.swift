import NIOCore

/// Until when a shard of a cluster may acknowledge what relies on its knowing the interest of all nodes. Other nodes tell a node that they do
/// not hear of nothing that they wait for, so that one that may be such a node withholds acknowledgements until it has asked all for what
/// it may have missed.
struct Lease {
    /// The time from which the lease is over; far in the future without a cluster.
    private(set) var end = NIODeadline.distantFuture
    /// True from when the lease was found to be over until everybody has told what they had to.
    private(set) var isLost = false
    /// Counts the questions whether others have told everything, by lot first.
    private var question = UInt64.random(in: 0...UInt64(UInt32.max))
    /// The shards of each node whose answers are due; `nil` while nothing is asked.
    private var due: [UInt8: Int]?

    /// Notices whether the lease is over.
    ///
    /// - Returns: true while acknowledgements are to be withheld.
    mutating func isOver(_ now: NIODeadline) -> Bool {
        if now >= end { lose() }
        return isLost
    }

    private mutating func lose() {
        isLost = true
        // What was asked before tells nothing of what came since.
        due = nil
    }

    /// The node has heard of enough others.
    ///
    /// - Returns: true if all are to be asked.
    mutating func renew(until end: NIODeadline, _ now: NIODeadline) -> Bool {
        if now >= self.end { lose() }
        self.end = max(end, now)
        return isLost && due == nil && now < end
    }

    /// Begins a question.
    ///
    /// - Parameter nodes: the shards of each node that have to answer.
    /// - Returns: the number of the question.
    mutating func ask(_ nodes: [UInt8: Int]) -> UInt64 {
        question += 1
        due = nodes
        return question
    }

    /// A shard of a node has told everything.
    mutating func answered(_ question: UInt64, by node: UInt8) {
        guard question == self.question, let left = due?[node] else { return }
        due?[node] = left > 1 ? left - 1 : nil
    }

    /// No answer is to be expected of a node.
    mutating func forget(node: UInt8) { due?[node] = nil }

    /// Ends the loss of the lease once all answers are there, if it still holds then.
    ///
    /// - Returns: true if it has ended.
    mutating func regain(_ now: NIODeadline) -> Bool {
        guard isLost, let due, due.isEmpty else { return false }
        self.due = nil
        guard now < end else { return false }
        isLost = false
        return true
    }
}
