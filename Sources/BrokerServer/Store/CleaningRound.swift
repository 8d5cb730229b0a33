import BrokerCluster

/// One cleaning of the logs of a shard's lanes in a cluster: what is alive is written again in steps, beside what clients bring, and from its first
/// append since the begin on each lane has all that it needs.
struct CleaningRound {
    /// Lanes that the shard has led all the time, a bit for each. What is alive in another lane may not be written again.
    private var led: UInt64
    /// Lanes with an append under way that has begun before the cleaning, a bit for each.
    private var older: UInt64
    /// Lanes whose next append takes what the last step has written, a bit for each.
    private var owing: UInt64 = 0
    /// Lanes whose append under way has that, a bit for each.
    private var storing: UInt64 = 0
    /// True once all that is alive is written.
    private(set) var isWritten = false
    /// Of each lane, the position of its first append since the begin.
    private var first: [Int: LanePosition] = [:]

    /// - Parameters:
    ///   - led: the lanes that the shard leads, a bit for each.
    ///   - underWay: the lanes with an append under way, a bit for each.
    init(led: UInt64, underWay: UInt64) {
        self.led = led
        older = underWay
    }

    /// True if all that was written so far is stored.
    var isStored: Bool { owing | storing == 0 }

    /// A step has written what is alive, or a part of it.
    ///
    /// - Parameter lanes: those with records that no append has taken, a bit for each.
    mutating func wrote(to lanes: UInt64, isDone: Bool) {
        owing |= lanes
        isWritten = isDone
    }

    /// All records of lanes were taken.
    ///
    /// - Parameters:
    ///   - lanes: a bit for each.
    ///   - appending: those of them that anything is appended to, since some record was still needed.
    mutating func took(_ lanes: UInt64, appending: UInt64) {
        storing |= owing & lanes & appending
        owing &= ~lanes
    }

    /// The append of a lane is stored.
    mutating func stored(_ lane: Int, at position: LanePosition) {
        let bit: UInt64 = 1 << UInt64(lane)
        storing &= ~bit
        if older & bit != 0 {
            older &= ~bit
        } else if first[lane] == nil {
            first[lane] = position
        }
    }

    /// The shard does not lead a lane, or has not led it for a while.
    mutating func left(_ lane: Int) {
        let bit: UInt64 = 1 << UInt64(lane)
        led &= ~bit
        owing &= ~bit
        storing &= ~bit
        older &= ~bit
    }

    /// What lies before these positions is not needed, once all is written and stored.
    ///
    /// - Parameter led: the lanes that the shard leads now, a bit for each.
    func needless(led now: UInt64) -> [Int: LanePosition] { first.filter { led & now & 1 << UInt64($0.key) != 0 } }
}
