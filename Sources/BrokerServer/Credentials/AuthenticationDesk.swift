import MQTTBroker
import MQTTCodec
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Asks an `ClientAuthentication` on behalf of the shards: at once where it is quick, on threads of its own where it is not.
final class AuthenticationDesk: Sendable {
    private let authentication: ClientAuthentication
    private let pool: NIOThreadPool?
    private let pending = NIOLockedValueBox(0)
    /// Set once, before the first listener opens.
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

    /// From here on no loop is told anything. What is being decided comes to its end, what waits is let go.
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
            return Authenticator { connect, ticket in
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
                    // Under the lock, so that no loop is told after `close`.
                    self.group.withLockedValue { $0?.authenticated(ticket, verdict) }
                }
                return .pending
            }
        }
    }
}
