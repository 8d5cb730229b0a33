import NIOConcurrencyHelpers

@testable import BrokerAdmin

/// Derivations that are counted, and wait while the gate is closed.
final class DerivationGate: Sendable {
    private let state = NIOLockedValueBox(State())

    private struct State {
        var isClosed = false
        var running = 0
        var most = 0
        var passwords: [String] = []
    }

    /// What was derived, in order.
    var passwords: [String] { state.withLockedValue { $0.passwords } }
    var count: Int { passwords.count }
    /// The most derivations at a time.
    var most: Int { state.withLockedValue { $0.most } }

    func close() { state.withLockedValue { $0.isClosed = true } }

    func open() { state.withLockedValue { $0.isClosed = false } }

    var derive: PasswordHash.Derive {
        { password, salt, iterations in
            self.state.withLockedValue { state in
                state.running += 1
                state.most = max(state.most, state.running)
                state.passwords.append(password)
            }
            defer { self.state.withLockedValue { $0.running -= 1 } }
            try await waitUntil { self.state.withLockedValue { !$0.isClosed } }
            return try await PasswordHash.deriveOnPool(password, salt, iterations)
        }
    }
}
