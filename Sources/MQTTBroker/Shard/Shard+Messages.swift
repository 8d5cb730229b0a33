import MQTTCodec
import NIOCore

// What shards tell each other.
extension Shard {
    /// Ends a burst: exchanges what the other shards are to be told for an empty hand-over. Returns whether there is anything.
    package mutating func swapHandOver(with taken: inout HandOver, now: Instant) -> Bool {
        // What the switches lead to belongs to the next burst.
        let isPresent = effects.swapHandOver(with: &taken)
        for message in effects.takeSwitches() { handle(message, from: index, now: now) }
        drainLocal(now: now)
        return isPresent
    }

    /// Another shard, `source`, has told something.
    package mutating func receive(_ messages: [ShardMessage], from source: Int, now: Instant) {
        for message in messages { handle(message, from: source, now: now) }
        drainLocal(now: now)
    }

    mutating func send(_ body: ShardMessage.Body, to shard: Int) { effects.send(body, to: shard) }

    /// Sends a message to all other shards.
    mutating func broadcast(_ body: ShardMessage.Body) {
        for shard in 0..<count where shard != index { send(body, to: shard) }
    }

    /// Handles what this shard has told itself, in order. What comes up meanwhile is handled in its turn, not in depth.
    mutating func drainLocal(now: Instant) {
        if isDrainingLocal { return }
        isDrainingLocal = true
        while let message = effects.popLocal() { handle(message, from: index, now: now) }
        isDrainingLocal = false
    }

    private mutating func handle(_ message: ShardMessage, from source: Int, now: Instant) {
        switch message.body {
        case .publish(let publish): receiveHandOver(publish, from: source, now: now)
        case .retain(let publish): retain(publish, now: now)
        case .interest(let change): router.apply(change, of: source)
        case .announce(let requester): send(.announced(requester), to: source)
        case .announced(let requester): announced(requester, now: now)
        case .findRetained(let filters, let limit, let requester):
            findRetained(filters, atMost: limit, for: requester, now: now)
        case .foundRetained(let found, let isLast, let requester):
            foundRetained(found, isLast: isLast, for: requester, now: now)
        case .cancelLookUp(let requester): lookUps.removeAll { $0.requester == requester }
        case .claim(let claim): carryOut(sessions.directory.claim(claim))
        case .create(let claim): create(claim, now: now)
        case .refuse(let claim): refuse(claim, now: now)
        case .surrender(let claim): surrender(claim, now: now)
        case .claimDone(let client, let holder): carryOut(sessions.directory.claimDone(client, holder: holder))
        case .ended(let client): sessions.directory.ended(client, holder: source)
        case .move(let move): handle(move, from: source, now: now)
        }
    }
}
