import NIOConcurrencyHelpers

@testable import QUICTransport

/// A wall clock that jumps as the test wants, and time that passes.
final class TestClock: Sendable {
    private let offset = NIOLockedValueBox((wall: Int64(0), both: Int64(0)))

    var reading: ClockReading {
        let now = ClockReading.now
        return self.offset.withLockedValue { offset in
            ClockReading(
                wall: now.wall + (offset.wall + offset.both) * 1_000_000_000,
                monotonic: now.monotonic + UInt64(offset.both) * 1_000_000_000
            )
        }
    }

    func jump(_ seconds: Int64) { self.offset.withLockedValue { $0.wall += seconds } }
    func pass(_ seconds: Int64) { self.offset.withLockedValue { $0.both += seconds } }
}
