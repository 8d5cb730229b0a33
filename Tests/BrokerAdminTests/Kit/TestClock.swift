import NIOConcurrencyHelpers

/// A clock that stands still until it is moved. In milliseconds.
final class TestClock: Sendable {
    private let time = NIOLockedValueBox(1_700_000_000_000)

    var now: Int { time.withLockedValue { $0 } }

    func advance(_ milliseconds: Int) { time.withLockedValue { $0 += milliseconds } }
}
