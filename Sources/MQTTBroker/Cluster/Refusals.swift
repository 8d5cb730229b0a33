/// The lanes of a shard that have refused a message of another shard, since they were not led here. They refuse what that shard has sent behind
/// it, too, until it hands the message over again: so a lane keeps what a shard hands over in its order, and a message of an outbox that has a
/// higher number than another never comes before it.
///
/// That holds beyond the end of the run that has sent a message: a shard of this node may yet pass on what that run had sent behind it. The next
/// run hands its first message over twice.
struct Refusals {
    /// Messages that keep their order: those of a shard for sessions, or those to be retained, which take another way.
    private struct Way: Hashable {
        let source: ShardReference
        let isRetained: Bool
    }

    /// A bit for each lane.
    private var lanes: [Way: UInt64] = [:]

    /// Judges a message.
    ///
    /// - Parameter led: the lanes that are led here, a bit for each.
    /// - Returns: the lanes of the message's scope that refuse it.
    mutating func judge(_ scope: LaneScope, isRetained: Bool = false, led: UInt64) -> UInt64 {
        if lanes.isEmpty, scope.lanes & ~led == 0 { return 0 }
        let way = Way(source: scope.source, isRetained: isRetained)
        var refused = lanes[way] ?? 0
        if scope.isAgain { refused &= ~scope.lanes }
        refused |= scope.lanes & ~led
        lanes[way] = refused == 0 ? nil : refused
        return refused & scope.lanes
    }

    /// A lane has not kept a message that it had taken.
    mutating func add(_ lane: Lane, from source: ShardReference, isRetained: Bool) {
        lanes[Way(source: source, isRetained: isRetained), default: 0] |= lane.bit
    }
}
