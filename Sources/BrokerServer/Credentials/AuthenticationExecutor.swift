import MQTTBroker
import MQTTCodec
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Runs `ClientAuthentication` for the shards: on the connection's event loop if it is immediate, on a thread pool if it is costly.
final class AuthenticationExecutor: Sendable {
    private let authentication: ClientAuthentication
    private let pool: NIOThreadPool?
    private let pending = NIOLockedValueBox(0)
    /// The loops that verdicts go to: set before the first listener opens, `nil` again after `close`.
    private let group = NIOLockedValueBox<ShardGroup?>(nil)

    init(_ authentication: ClientAuthentication) {
        self.authentication = authentication
        if case .costly = authentication {
            pool = NIOThreadPool(numberOfThreads: ClientAuthentication.threads)
            pool?.start()
        } else {
            pool = nil
        }
    }

    func open(for group: ShardGroup) { self.group.withLockedValue { $0 = group } }

    /// Sends no verdict from now on. Decisions under way run to their end, and those that wait are dropped.
    func close() {
        group.withLockedValue { $0 = nil }
        pool?.shutdownGracefully { _ in }
    }

    var authenticator: Authenticator {
        switch authentication {
        case .everybody:
            return .everybody
        case .immediate(let decide):
            return Authenticator { connect, _ in decide(Credentials(connect)) }
        case .costly(let decide):
            return Authenticator { connect, reference in
                let credentials = Credentials(connect)
                let isTaken = self.pending.withLockedValue { count in
                    guard count < ClientAuthentication.maximumPending else { return false }
                    count += 1
                    return true
                }
                guard isTaken, let pool = self.pool else { return .refused(.serverBusy) }
                pool.submit { state in
                    let verdict = state == .active ? decide(credentials) : .refused(.serverUnavailable)
                    self.pending.withLockedValue { $0 -= 1 }
                    // Under the lock, so that no loop gets a verdict after `close`.
                    self.group.withLockedValue { $0?.authenticated(reference, verdict) }
                }
                return .pending
            }
        }
    }
}
