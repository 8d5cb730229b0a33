/// The sessions that a message which is handed over is for, and where it comes from.
struct LaneScope: Equatable, Sendable {
    /// A bit for each lane whose durable sessions get the message.
    var lanes: UInt64
    /// True if transient sessions get the message.
    var isForTransient: Bool
    /// The shard that has handed the message over, of whatever node; of no meaning without a cluster.
    var source = ShardReference(shard: 0)
    /// True if the source knows what the lanes have refused, and hands that over again from this message on.
    var isAgain = false

    static let everybody = Self(lanes: .max, isForTransient: true)

    var isEverybody: Bool { isForTransient && lanes == .max }

    func includes(_ session: Session) -> Bool {
        guard let lane = session.lane else { return isForTransient }
        return lanes & lane.bit != 0
    }
}

extension Lane {
    /// The bit of the lane in a set of lanes.
    var bit: UInt64 { 1 << UInt64(number) }

    /// The lanes of a set.
    static func lanes(of set: UInt64) -> [Lane] {
        var lanes: [Lane] = []
        var left = set
        while left != 0 {
            if let lane = Lane(number: UInt8(left.trailingZeroBitCount)) { lanes.append(lane) }
            left &= left - 1
        }
        return lanes
    }
}
