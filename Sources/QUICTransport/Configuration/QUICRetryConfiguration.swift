/// When clients have to prove their address by a token before the server keeps state for them (RFC 9000 §8.1).
package struct QUICRetryConfiguration: Sendable, Equatable {
    /// When a Retry packet is sent.
    package enum Mode: Sendable, Equatable {
        case never
        /// While the number of handshakes in progress is at or above the share `load` of its bound.
        case underLoad
        case always
    }

    package var mode = Mode.underLoad
    /// The share of `maximumHandshakes`, 0 ... 1.
    package var load = 0.25
    /// The time within which a client may return with the token of a Retry packet.
    package var tokenLifetime: Duration = .seconds(10)
    /// The lifetime of the token for a client's next connection (NEW_TOKEN); zero to send none.
    package var newTokenLifetime: Duration = .seconds(86_400)
    /// Retry packets that are sent per second, which is also the burst allowed. Further Initials are dropped without an answer.
    package var retriesPerSecond = 10_000

    package init() {}
}
