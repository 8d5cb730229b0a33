package import NIOCore

/// How a client speaks to NATS servers.
package struct ConnectionConfiguration: Equatable, Sendable {
    /// The name by which a server lists the connection.
    package var name: String
    package var credentials: Credentials = .none
    /// True if the connection is to be by TLS; a server without TLS is refused then, and one that requires TLS otherwise.
    package var requiresTLS = false
    /// The time from the TCP connection to the answer to CONNECT.
    package var handshakeTimeout: TimeAmount = .seconds(5)
    /// After so long without an octet from the server there is a PING.
    package var pingInterval: TimeAmount = .seconds(1)
    /// After so many PINGs in a row without an octet from the server the connection is given up.
    package var maximumOutstandingPings = 3
    /// A subject that another connection of this process answers, mostly by another server: without an answer for
    /// `cutOffPatience` a server is left as cut off from the others. `nil` asks nothing.
    package var presence: Subject?
    package var cutOffPatience: TimeAmount = .seconds(2)
    /// Requests that wait for an answer at most; further ones are refused.
    package var maximumRequests = 16_384
    package var limits = VerbLimits()

    package init(name: String) { self.name = name }
}
