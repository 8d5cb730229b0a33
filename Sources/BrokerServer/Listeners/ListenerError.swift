import Glibc
import NIOCore

/// Why a listener could not open. The text names the listener and its address, and says what to do.
package struct ListenerError: Error, Sendable, CustomStringConvertible {
    package let listener: String
    package let description: String

    init(listener: String, _ description: String) {
        self.listener = listener
        self.description = "listener \(listener): \(description)"
    }

    /// The listener's address could not be bound.
    init(_ listener: BrokerServerConfiguration.Listener, cannotBind error: any Error) {
        let reason = SystemReason(error)
        let address = listener.address.hostAndPort
        let key = "listeners.\(listener.transport.name).\(listener.name).bind"
        let protocolName = if case .quic = listener.transport { "UDP" } else { "TCP" }
        let text =
            switch reason.code {
            case EADDRINUSE:
                "\(protocolName) port \(listener.address.port ?? 0) of \(listener.address.ipAddress ?? "?") is in use; "
                    + "stop the program that has it, or give \(key) another port"
            case EADDRNOTAVAIL:
                "cannot listen on \(address), since this machine has no such address; give \(key) an address that it has, "
                    + "or a port alone for all addresses"
            case EACCES:
                "may not listen on \(address); give \(key) a port from 1024, or let the program bind lower ones "
                    + "(CAP_NET_BIND_SERVICE)"
            default: "cannot listen on \(address): \(reason); \(key) names the address"
            }
        self.init(listener: listener.label, text)
    }
}
