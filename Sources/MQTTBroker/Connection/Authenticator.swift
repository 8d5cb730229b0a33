package import MQTTCodec

/// Authenticates the client of a CONNECT. Called on the connection's loop, so whatever takes long answers `.pending` and calls
/// `Shard.authenticated` later.
package struct Authenticator: Sendable {
    /// The answer about a client.
    package enum Verdict: Sendable, Equatable {
        case allowed
        case refused(ReasonCode)
        case pending
    }

    let verdict: @Sendable (Connect, ConnectionReference) -> Verdict

    package init(_ verdict: @escaping @Sendable (Connect, ConnectionReference) -> Verdict) { self.verdict = verdict }

    /// Allows every client.
    package static let everybody = Self { _, _ in .allowed }
}
