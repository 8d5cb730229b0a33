package import NIOCore

/// The present instant by two clocks, which the shell gives with every event.
///
/// Deadlines are instants of the monotonic clock, so that no message expires when the wall clock is set. The wall clock is for
/// records that outlive a run of the broker.
package struct Instant: Sendable, Equatable {
    /// The instant by the monotonic clock, which is never set.
    package let monotonic: NIODeadline
    /// The instant by the wall clock, milliseconds since 1970-01-01 UTC.
    package let wall: Int64

    /// The instant with a wall clock that does not stand before `past`: if the clock was set back, no time has passed since.
    func noEarlier(than past: Int64) -> Instant { Instant(monotonic: monotonic, wall: max(wall, past)) }

    /// The instant of the wall clock at which the monotonic clock shows `instant`.
    func wall(of instant: NIODeadline) -> Int64 {
        let distance = (instant - monotonic).nanoseconds / 1_000_000
        let (sum, isOverflow) = wall.addingReportingOverflow(distance)
        return isOverflow ? (distance < 0 ? .min : .max) : sum
    }

    /// The instant of the monotonic clock at which the wall clock shows `wall`, milliseconds since 1970-01-01 UTC.
    func monotonic(of wall: Int64) -> NIODeadline {
        let (difference, isOverflow) = wall.subtractingReportingOverflow(self.wall)
        let distance = isOverflow ? (wall < self.wall ? .min : .max) : difference
        return monotonic + .milliseconds(min(max(distance, -Self.farthest), Self.farthest))
    }

    /// Milliseconds that are for ever: 200 years.
    private static let farthest: Int64 = 200 * 366 * 86_400_000

    package init(monotonic: NIODeadline, wall: Int64) {
        self.monotonic = monotonic
        self.wall = wall
    }
}
