package import NIOCore

/// Bounds of what serves administrators by HTTP/1.1. The defaults are those of the listener.
package struct HTTPLimits: Sendable, Equatable {
    /// Connections at a time; further ones wait in the kernel to be accepted.
    package var maximumConnections = 512
    /// Octets of all header fields of a request, and how many there may be.
    package var maximumHeaderOctets = 16_384
    package var maximumHeaders = 64
    /// Octets of a request's body.
    package var maximumBody = 1 << 20
    /// How long a connection may be without a request, and how long a request may take to arrive.
    package var patience: TimeAmount = .seconds(10)

    package init() {}
}
