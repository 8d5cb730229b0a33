import NIOConcurrencyHelpers
import NIOCore
import QUICTransport

/// The bounds of a listener over all event loops: open connections, and the rate of new ones.
final class Admission: Sendable {
    let listener: String
    private let maximum: Int
    private let state: NIOLockedValueBox<State>

    /// Counts over all loops: those of connections that are open or wait, and those of the listener's metrics.
    private struct State {
        var open = 0
        var refused: UInt64 = 0
        var delayed: UInt64 = 0
        var acceptsFailed: UInt64 = 0
        var shed: UInt64 = 0
        var waiting = 0
        var abandoned: UInt64 = 0
        var acceptsPaused: UInt64 = 0
        var pace: TokenBucket?
    }

    init(_ listener: BrokerServerConfiguration.Listener) {
        self.listener = listener.label
        maximum = listener.maximumConnections ?? .max
        let pace = listener.connectionRate.map {
            TokenBucket(burst: $0.burst, interval: UInt64($0.interval.nanoseconds), now: Self.now)
        }
        state = NIOLockedValueBox(State(pace: pace))
    }

    /// True if one more connection is within the bound; then `leave` is due at its end.
    func enter() -> Bool {
        state.withLockedValue { state in
            guard state.open < maximum else {
                state.refused += 1
                return false
            }
            state.open += 1
            return true
        }
    }

    func leave() { state.withLockedValue { $0.open -= 1 } }

    /// The answer to a client that can be asked to wait.
    func admit() -> QUICAdmission {
        state.withLockedValue { state in
            guard state.open < maximum else {
                state.refused += 1
                return .refuse
            }
            guard state.pace?.take(now: Self.now) != false else {
                state.delayed += 1
                return .drop
            }
            return .accept
        }
    }

    /// Counts a client that was accepted and could not be asked to wait.
    func accepted() { state.withLockedValue { $0.pace?.spend(now: Self.now) } }

    /// The time to wait before the next client is accepted; `nil` for none.
    func wait() -> TimeAmount? {
        state.withLockedValue { state in
            let nanoseconds = state.pace?.wait(now: Self.now) ?? 0
            guard nanoseconds > 0 else { return nil }
            state.delayed += 1
            return .nanoseconds(Int64(clamping: nanoseconds))
        }
    }

    // MARK: Clients whose handshake has not begun

    /// Clients of a listener that may wait for their handshake to begin; the next ones wait in the kernel's backlog.
    static let maximumWaiting = 256

    /// The first octets of a client have arrived, and wait until the event loop has time for them.
    func startedWaiting() { state.withLockedValue { $0.waiting += 1 } }

    func stoppedWaiting(isServed: Bool) {
        state.withLockedValue { state in
            state.waiting -= 1
            if !isServed { state.abandoned += 1 }
        }
    }

    /// True if so many clients wait that no more are to be accepted.
    func isCrowded() -> Bool {
        state.withLockedValue { state in
            guard state.waiting >= Self.maximumWaiting else { return false }
            state.acceptsPaused += 1
            return true
        }
    }

    /// No file descriptor was left for the next connection, and `shed` connections that waited were closed at once.
    func failedToAccept(shed: Int) {
        state.withLockedValue { state in
            state.acceptsFailed += 1
            state.shed += UInt64(shed)
        }
    }

    var open: Int { state.withLockedValue { $0.open } }
    /// Connections that were refused because too many were open.
    var refused: UInt64 { state.withLockedValue { $0.refused } }
    /// Times that clients had to wait because they came too fast.
    var delayed: UInt64 { state.withLockedValue { $0.delayed } }
    /// Times that no file descriptor was left for the next connection.
    var acceptsFailed: UInt64 { state.withLockedValue { $0.acceptsFailed } }
    /// Connections that were closed at once because no file descriptor was left for them.
    var shed: UInt64 { state.withLockedValue { $0.shed } }

    /// Clients that wait for their handshake to begin.
    var waiting: Int { state.withLockedValue { $0.waiting } }
    /// Clients that gave up while they waited for their handshake to begin.
    var abandoned: UInt64 { state.withLockedValue { $0.abandoned } }
    /// Pauses of a few milliseconds in which no client was accepted because so many waited.
    var acceptsPaused: UInt64 { state.withLockedValue { $0.acceptsPaused } }

    private static var now: UInt64 { NIODeadline.now().uptimeNanoseconds }
}
