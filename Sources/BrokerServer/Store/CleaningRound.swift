import BrokerCluster

/// One cleaning of the logs of a shard's lanes in a cluster, from its begin to its end: which lanes it is about, and from where on each of them
/// has all that is alive.
struct CleaningRound {
    /// Lanes that the shard has led all the time, a bit for each. What is alive in another lane may not be written again.
    private var led: UInt64
    /// Of each lane, the position of its first append since the begin.
    private var first: [Int: LanePosition] = [:]

    /// - Parameter led: the lanes that the shard leads, a bit for each.
    init(led: UInt64) { self.led = led }

    /// Records were appended to a lane.
    mutating func appended(_ lane: Int, at position: LanePosition) {
        if first[lane] == nil { first[lane] = position }
    }

    /// The shard does not lead a lane, or has not led it for a while.
    mutating func left(_ lane: Int) { led &= ~(1 << UInt64(lane)) }

    /// What lies before these positions is not needed, once all that the cleaning has written is stored.
    ///
    /// - Parameter led: the lanes that the shard leads now, a bit for each.
    func needless(led now: UInt64) -> [Int: LanePosition] { first.filter { led & now & 1 << UInt64($0.key) != 0 } }
}
