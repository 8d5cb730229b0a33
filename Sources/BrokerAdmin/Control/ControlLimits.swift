package import NIOCore

/// Bounds of the control socket.
package struct ControlLimits: Sendable, Equatable {
    /// Connections at a time; further ones wait in the kernel to be accepted.
    package var maximumConnections = 16
    /// Octets of all header fields of a request, and how many there may be.
    package var maximumHeaderOctets = 8_192
    package var maximumHeaders = 64
    /// Octets of a request's body.
    package var maximumBody = 65_536
    /// How long a connection may be without a request, and how long a request may take to arrive.
    package var patience: TimeAmount = .seconds(10)
    /// Octets of an answer that a client takes.
    package var maximumAnswer = 8 << 20
    /// How long a client waits for an answer.
    package var answerPatience: TimeAmount = .seconds(15)

    package init() {}
}
