package import MQTTBroker
import MQTTCodec
import NIOCore
import NIOPosix

/// How the broker decides who may in.
package enum ClientAuthentication: Sendable {
    case everybody
    /// Decides within microseconds, on the connection's loop.
    case immediate(@Sendable (Credentials) -> Authenticator.Verdict)
    /// Takes its time, so it is asked on threads of its own.
    case costly(@Sendable (Credentials) -> Authenticator.Verdict)

    /// Threads for costly decisions, and how many may wait for one; further clients are refused with 0x89.
    static let threads = 2
    static let maximumPending = 4096
}

/// What a client says of itself in CONNECT.
package struct Credentials: Sendable {
    package let clientIdentifier: String
    package let userName: String?
    package let password: [UInt8]?

    init(_ connect: Connect) {
        clientIdentifier = connect.clientIdentifier
        userName = connect.userName
        password = connect.password.map { Array($0.readableBytesView) }
    }
}
