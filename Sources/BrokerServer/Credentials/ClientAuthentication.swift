package import MQTTBroker
import MQTTCodec
import NIOCore
import NIOPosix
package import Secrets

/// How the broker authenticates clients.
package enum ClientAuthentication: Sendable {
    case everybody
    /// Decides within microseconds, and is called on the connection's event loop.
    case immediate(@Sendable (Credentials) -> Authenticator.Verdict)
    /// Takes longer, and is called on a thread pool.
    case costly(@Sendable (Credentials) -> Authenticator.Verdict)

    /// Threads of the pool, and clients that may wait for one; further clients are refused with 0x89 (Server busy).
    static let threads = 2
    static let maximumPending = 4096
}

/// Client identifier, user name and password of a CONNECT, after those that a certificate gives.
package struct Credentials: Sendable {
    package let clientIdentifier: String
    package let userName: String?
    @Secret package private(set) var password: [UInt8]?

    init(_ connect: Connect) {
        clientIdentifier = connect.clientIdentifier
        userName = connect.userName
        password = connect.password.map { Array($0.readableBytesView) }
    }
}
