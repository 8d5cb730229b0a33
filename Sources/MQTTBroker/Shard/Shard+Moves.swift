import MQTTCodec
import NIOCore

// A session moves to another shard.
//
// Both ends are subscribed for a while. Each shard says at one point of its stream of messages that the session has switched
// over: what that shard handed over before belongs to the old end, what it hands over after belongs to the new end. So nothing is
// lost and nothing comes twice, whatever is published meanwhile.
extension Shard {
    mutating func handle(_ move: ShardMessage.Move, from source: Int, now: Instant) {
        switch move {
        case .leaving(let claim, let subscriptions): beginArrival(claim, subscriptions, from: source, now: now)
        case .switchOver(let client, let from, let to):
            send(.move(.switchedAway(client)), to: from)
            send(.move(.switchedHere(client)), to: to)
        case .switchedAway(let client): switchedAway(client, by: source)
        case .switchedHere(let client): switchedHere(client, by: source)
        case .arrived(let claim, let state): finishArrival(claim, state, now: now)
        }
    }

    /// The new end: subscribes, and ignores the messages of each shard until that shard says that it has switched over.
    private mutating func beginArrival(
        _ claim: Claim,
        _ subscriptions: [(filter: TopicFilter, subscription: Session.Subscription)],
        from holder: Int,
        now: Instant
    ) {
        let session = sessions.make(claim.client)
        session.ignoredShards = allShards
        sessions.arriving[claim.client] = session
        for (filter, subscription) in subscriptions { add(subscription, filter, to: session) }
        for shard in 0..<count { send(.move(.switchOver(claim.client, from: holder, to: index)), to: shard) }
    }

    /// The old end: once all shards have switched over, no message comes any more, and the state is sent.
    private mutating func switchedAway(_ client: UTF8Key, by shard: Int) {
        guard let session = sessions[client], let departure = session.departure else { return }
        session.ignoredShards |= 1 << UInt32(shard)
        departure.switchedShards |= 1 << UInt32(shard)
        guard departure.switchedShards == allShards else { return }
        let claim = departure.claim
        let state = SessionState(
            outgoing: session.outgoing,
            awaitingRelease: session.awaitingRelease,
            orphans: session.orphans,
            expiryInterval: session.expiryInterval,
            delayedWill: session.delayedWill
        )
        counters.sessionsMoved += 1
        discard(session)
        send(.move(.arrived(claim, state)), to: claim.connection.shard)
    }

    private mutating func switchedHere(_ client: UTF8Key, by shard: Int) {
        let session = sessions.arriving[client] ?? sessions[client]
        session?.ignoredShards &= ~(1 << UInt32(shard))
    }

    /// The new end: puts the messages of the old end before those that came here since.
    private mutating func finishArrival(_ claim: Claim, _ state: SessionState, now: Instant) {
        guard let session = sessions.arriving.removeValue(forKey: claim.client) else { return }
        session.outgoing.window = state.outgoing.window
        session.awaitingRelease = state.awaitingRelease
        session.orphans = state.orphans
        session.outgoing.queue.prepend(state.outgoing.queue)
        session.outgoing.retained.prepend(state.outgoing.retained)
        session.expiryInterval = state.expiryInterval
        sessions.insert(session)
        send(.claimDone(claim.client, holder: index), to: home(of: claim.client))
        if let (connection, pending) = claimant(claim) {
            attach(session, to: connection, pending, isPresent: true, now: now)
        } else {
            if let will = state.delayedWill { postpone(will, of: session) }
            startAbsence(of: session, now: now)
        }
    }

    private var allShards: UInt32 { count == 32 ? .max : (1 << UInt32(count)) - 1 }
}
