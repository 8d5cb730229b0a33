/// When a client has to show that it receives at its address before anything is kept for it (RFC 9000 §8.1).
package struct QUICRetryConfiguration: Sendable, Equatable {
    package enum Mode: Sendable, Equatable {
        case never
        /// While handshakes in flight are at or above a share of their bound.
        case underLoad
        case always
    }

    package var mode = Mode.underLoad
    /// The share of `maximumHandshakes`, 0 ... 1.
    package var load = 0.25
    /// How long a client may take to come back with a Retry's token.
    package var tokenLifetime: Duration = .seconds(10)
    /// How long the token is good that a client is given for its next connection (NEW_TOKEN); zero for none.
    package var newTokenLifetime: Duration = .seconds(86_400)
    /// Retry packets sent per second at most, and the burst allowed; further ones are not sent.
    package var retriesPerSecond = 10_000

    package init() {}
}
