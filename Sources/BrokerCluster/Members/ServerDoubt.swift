import NIOCore

/// Whether the NATS server that the membership goes by is cut off from the other servers, as far as that can be told from here. Without IO.
///
/// Two signs: no majority echoes this node's heartbeats; or some node is silent, and JetStream, which needs a majority of the servers, is silent,
/// too. The second one is for nodes that are a majority by the same server.
struct ServerDoubt {
    /// What is to be done.
    enum Step: Equatable {
        case nothing
        /// Ask JetStream anything, and tell `answered`.
        case ask
        /// Go to another server.
        case leave
    }

    private var since: NIODeadline?
    private var isAsking = false
    private var patience = Self.shortestPatience

    /// How long the signs are watched before the server is left: at first, and after many times in vain, since the others may be gone.
    static let shortestPatience: TimeAmount = .seconds(2)
    static let longestPatience: TimeAmount = .minutes(1)
    /// How long JetStream has for its answer.
    static let answerTimeout: TimeAmount = .seconds(2)

    /// - Parameters:
    ///   - isAlone: true if there is no other member, or no connection: then there is nothing to tell by.
    ///   - holdsLease: true if a majority echoes this node's heartbeats.
    ///   - isSomebodySilent: true if a member is suspected.
    mutating func look(isAlone: Bool, holdsLease: Bool, isSomebodySilent: Bool, _ now: NIODeadline) -> Step {
        guard !isAlone, !holdsLease || isSomebodySilent else {
            if holdsLease { patience = Self.shortestPatience }
            since = nil
            return .nothing
        }
        let begun = since ?? now
        since = begun
        guard now - begun >= patience, !isAsking else { return .nothing }
        if !holdsLease { return leave() }
        isAsking = true
        return .ask
    }

    /// JetStream has answered, or not.
    mutating func answered(_ hasAnswered: Bool, _ now: NIODeadline) -> Step {
        isAsking = false
        // The connection has ended meanwhile, or everybody is heard again.
        guard since != nil else { return .nothing }
        if !hasAnswered { return leave() }
        since = now
        return .nothing
    }

    private mutating func leave() -> Step {
        since = nil
        patience = min(patience * 2, Self.longestPatience)
        return .leave
    }
}
