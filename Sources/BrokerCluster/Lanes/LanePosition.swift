/// Where a message of a lane stands: its sequence in the stream that the lane is in. Positions of one lane grow, and not by one each.
package struct LanePosition: Comparable, Hashable, Sendable {
    package let sequence: UInt64

    package init(sequence: UInt64) { self.sequence = sequence }

    package static func < (one: Self, other: Self) -> Bool { one.sequence < other.sequence }
}
