import DequeModule

/// How far the packets that a deputy was given are settled: what they say is in the lane's log, and their answers have left.
final class Settlement {
    /// Packets that came together, and what they wait for.
    private struct Part {
        let octets: Int
        /// The position in the log whose commit has all that they say.
        let position: UInt64
        /// Withheld acknowledgements that have to leave before.
        let acknowledgements: UInt64
        /// True if the last of them was to be answered before the next packet comes, and is not.
        var isUnanswered: Bool
    }

    /// True while the answer to the last packet waits for a commit.
    var isAnswerDeferred = false
    /// The packet identifiers of the messages in the deputy's output.
    var sent: [UInt16] = []
    private var parts: Deque<Part> = []
    /// Octets that are settled, and of which the shard of the connection was not told.
    private(set) var untold = 0

    /// The position that the last packets wait for.
    var lastPosition: UInt64? { parts.last?.position }

    /// Packets were handled.
    func add(_ octets: Int, position: UInt64, acknowledgements: UInt64, isUnanswered: Bool) {
        parts.append(
            Part(
                octets: octets,
                position: position,
                acknowledgements: acknowledgements,
                isUnanswered: isUnanswered
            )
        )
    }

    /// The last packet is answered.
    func answered() {
        if !parts.isEmpty { parts[parts.count - 1].isUnanswered = false }
    }

    /// - Parameters:
    ///   - committed: the position up to which the lane's log is committed.
    ///   - acknowledgements: withheld ones that have left.
    /// - Returns: true if anything is settled by that.
    func advance(committed: UInt64, acknowledgements: UInt64) -> Bool {
        let before = untold
        while let first = parts.first, first.position <= committed, first.acknowledgements <= acknowledgements,
            !first.isUnanswered
        {
            parts.removeFirst()
            untold += first.octets
        }
        return untold > before
    }

    /// Takes the octets of which the shard of the connection is to be told.
    func takeUntold() -> Int {
        defer { untold = 0 }
        return untold
    }
}
