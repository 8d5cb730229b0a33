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

    package init(monotonic: NIODeadline, wall: Int64) {
        self.monotonic = monotonic
        self.wall = wall
    }
}
