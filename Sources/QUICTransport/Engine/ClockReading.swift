internal import CDatagrams
import Glibc

/// The system's wall clock and its monotonic clock, read at one instant.
package struct ClockReading: Sendable {
    /// Nanoseconds since 1970; may jump.
    package var wall: Int64
    /// Nanoseconds since some past instant; never jumps.
    package var monotonic: UInt64

    package init(wall: Int64, monotonic: UInt64) {
        self.wall = wall
        self.monotonic = monotonic
    }

    /// Whole seconds since 1970.
    var seconds: Int64 { self.wall / 1_000_000_000 }

    package static var now: ClockReading {
        ClockReading(
            wall: Int64(bitPattern: self.nanoseconds(CLOCK_REALTIME)),
            monotonic: self.nanoseconds(CLOCK_MONOTONIC)
        )
    }

    private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return UInt64(bitPattern: Int64(time.tv_sec)) &* 1_000_000_000 &+ UInt64(bitPattern: Int64(time.tv_nsec))
    }
}
