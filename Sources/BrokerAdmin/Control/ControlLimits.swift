package import NIOCore

/// Bounds of the control socket.
package struct ControlLimits: Sendable, Equatable {
    /// Of the server.
    package var http: HTTPLimits
    /// Octets of an answer that a client takes.
    package var maximumAnswer = 8 << 20
    /// How long a client waits for an answer.
    package var answerPatience: TimeAmount = .seconds(15)

    package init() {
        http = HTTPLimits()
        http.maximumConnections = 16
        http.maximumHeaderOctets = 8_192
        http.maximumBody = 65_536
    }
}
