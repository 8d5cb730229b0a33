package import MQTTCodec

/// Decides who may in. Called on the connection's loop; what takes long answers `.pending` and calls
/// `Shard.authenticated` later.
package struct Authenticator: Sendable {
    package enum Verdict: Sendable, Equatable {
        case allowed
        case refused(ReasonCode)
        case pending
    }

    let verdict: @Sendable (Connect, _ connection: Ticket) -> Verdict

    /// Names a connection across loops without holding it.
    package struct Ticket: Sendable, Hashable {
        package let shard: Int
        let slot: Int
        let number: UInt64
    }

    package init(_ verdict: @escaping @Sendable (Connect, Ticket) -> Verdict) { self.verdict = verdict }

    /// Everybody may in.
    package static let everybody = Self { _, _ in .allowed }
}
