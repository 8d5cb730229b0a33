/// The sessions that a message which is handed over is for.
struct LaneScope: Equatable, Sendable {
    /// A bit for each lane whose durable sessions get the message.
    var lanes: UInt64
    /// True if transient sessions get the message.
    var isForTransient: Bool

    static let everybody = Self(lanes: .max, isForTransient: true)

    /// The durable sessions of some lanes.
    static func only(_ lanes: UInt64) -> Self { Self(lanes: lanes, isForTransient: false) }

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
