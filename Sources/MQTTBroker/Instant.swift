package import NIOCore

/// The present, as the shell tells it with every event: by the clock that only goes forward, and by the clock on the wall.
///
/// Within a run of the broker all deadlines are of the former, so that a wall clock that is set anew makes no message expire.
/// What outlives the run is written down in wall-clock time.
package struct Instant: Sendable, Equatable {
    /// The clock of deadlines.
    package let monotonic: NIODeadline
    /// Milliseconds since 1970-01-01 UTC.
    package let wall: Int64

    package init(monotonic: NIODeadline, wall: Int64) {
        self.monotonic = monotonic
        self.wall = wall
    }
}
