/// `listeners.quic.NAME.retry`: when a client has to prove its address before a handshake begins (RFC 9000 §8.1).
package struct RetryConfiguration: ConfigurationSection {
    package enum Mode: String, CaseIterable, Sendable {
        case never, always
        case underLoad = "under_load"
    }

    /// Default `under_load`.
    package var mode = Mode.underLoad
    /// Handshakes in flight on an event loop at which it counts as loaded, in per cent of their bound. Default 25; 0 to 100.
    package var load = 25
    /// How long a client may take to come back with a Retry's token. Default 10 s; 1 to 600,000 ms.
    package var tokenLifetime = Duration.seconds(10)
    /// How long the token is good that a client is given for its next connection; zero gives none. Default 1 d; at most
    /// 30 d.
    package var newTokenLifetime = Duration.seconds(86_400)
    /// Retry packets that an event loop sends per second at most. Default 10,000; 1 to 1,000,000.
    package var maximumRate = 10_000

    package init() {}

    package static var fields: [Field<Self>] {
        [
            .value(
                "mode",
                \.mode,
                .choice,
                "When clients are sent a Retry: it costs them a round trip, and keeps forged addresses from costing memory."
            ),
            .value(
                "load",
                \.load,
                .integer(0...100),
                "What under_load means: handshakes in flight on an event loop, in per cent of their bound."
            ),
            .value(
                "token_lifetime",
                \.tokenLifetime,
                .duration(.milliseconds(1)...(.seconds(600))),
                "How long a client may take to answer a Retry."
            ),
            .value(
                "new_token_lifetime",
                \.newTokenLifetime,
                .duration(.zero...(.seconds(30 * 86_400))),
                "How long a client is spared a Retry after a connection from the same IP address; 0 means not at all."
            ),
            .value(
                "max_rate",
                \.maximumRate,
                .integer(1...1_000_000),
                "Retry packets that an event loop sends per second; clients beyond it have to try again."
            ),
        ]
    }
}
