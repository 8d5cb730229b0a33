/// The time in which one run leads a lane: from its term record on, until a record of a higher term follows.
package struct LaneTerm: Equatable, Sendable {
    package let lane: Int
    /// Higher than those of all earlier terms of the lane.
    package let number: UInt64
    /// Of the term record.
    package let position: LanePosition
    /// Who wrote the lane's last message before; `nil` for a lane that was empty.
    package let previous: LaneLeader?

    package init(lane: Int, number: UInt64, position: LanePosition, previous: LaneLeader?) {
        self.lane = lane
        self.number = number
        self.position = position
        self.previous = previous
    }
}
