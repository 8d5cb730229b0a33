import MQTTCodec
import NIOCore

// What shards tell each other.
extension Shard {
    /// Ends a burst: exchanges what the other shards are to be told for an empty hand-over. Returns whether there is anything.
    package mutating func swapHandOver(with taken: inout HandOver, now: Instant) -> Bool {
        while effects.hasDirtyDeputies {
            flushDeputies()
            // Some may be deputies of connections of this shard.
            drainLocal(now: now)
        }
        return effects.swapHandOver(with: &taken)
    }

    /// Another shard, `source`, has told something.
    package mutating func receive(_ messages: [ShardMessage], from source: ShardReference, now: Instant) {
        // A span lends the messages, which costs no copy of each.
        let lent = messages.span
        for index in lent.indices { handle(lent[index], from: source, now: now) }
        drainLocal(now: now)
    }

    mutating func send(_ body: consuming ShardMessage.Body, to shard: ShardReference) { effects.send(body, to: shard) }

    /// A shard of this node.
    func sibling(_ index: Int) -> ShardReference { ShardReference(node: Int(own.node), shard: index) }

    /// Sends a message to all other shards of the node.
    mutating func broadcast(_ body: ShardMessage.Body) {
        for shard in 0..<count where shard != index { send(body, to: sibling(shard)) }
    }

    /// Sends a message to the shard that leads a lane. Nothing is sent if none does.
    mutating func sendToLeader(of lane: Lane, _ body: ShardMessage.Body) {
        if let leader = lanes.leader(of: lane) { send(body, to: leader) }
    }

    /// Handles what this shard has told itself, in order. What comes up meanwhile is handled in its turn, not in depth.
    mutating func drainLocal(now: Instant) {
        if isDrainingLocal { return }
        isDrainingLocal = true
        while let message = effects.popLocal() { handle(message, from: own, now: now) }
        isDrainingLocal = false
    }

    private mutating func handle(_ message: ShardMessage, from source: ShardReference, now: Instant) {
        switch message.body {
        case .publish(let publish, let publisher, let origin, let scope, let number):
            let isFromNode = source.node != own.node
            var scope = scope
            // Another node speaks for its own shard only. Within the node, one shard passes on what another node's has sent.
            if isFromNode { scope.source = source }
            let receipt = receiptFor(source, number, source: scope.source)
            receiveHandOver(
                publish,
                from: publisher,
                origin: origin,
                scope,
                receipt,
                passesOn: isFromNode,
                now: now
            )
        case .retain(let publish, let origin, let isAgain, let number):
            let receipt = receiptFor(source, number, source: source)
            receiveRetained(publish, origin: origin, isAgain: isAgain, receipt, by: source, now: now)
        case .stored(let number): stored(number, by: source, now: now)
        case .missing(let number, let lanes): miss(lanes, of: number, by: source, now: now)
        case .outboxReached(let lane, let number): lanes[lane].outbox.restore(reached: number)
        case .quarantine(let lanes, let filters): quarantine(lanes, filters)
        case .interest(let change):
            router.apply(change, of: source.index)
            tellNodes(change)
        case .announce(_, let asker) where source.node != own.node && asker.node != source.node: return
        case .announce(let requester, let asker):
            send(.announced(requester), to: asker)
            passOnTold(message.body, from: source)
        case .announced(let requester): announced(requester, by: source, now: now)
        case .findRetained(let filters, let limit, let requester):
            findRetained(filters, atMost: limit, for: requester, at: source, now: now)
        case .foundRetained(let found, let isLast, let requester):
            foundRetained(found, isLast: isLast, by: source, for: requester, now: now)
        case .cancelLookUp(let requester): lookUps.removeAll { $0.requester == requester }
        // Another node speaks for its own connections only.
        case .claim(let claim, _) where claim.connection.shard.node != source.node: return
        case .resume(let claim, _) where claim.connection.shard.node != source.node: return
        case .toHome(let connection, _) where connection.shard.node != source.node: return
        case .claim(let claim, let term): if lanes.term(of: claim.lane) == term { handle(claim, now: now) }
        case .resume(let claim, let resumption): resume(claim, resumption, now: now)
        case .create(let claim): create(claim, now: now)
        case .refuse(let connection, let reason): refuse(connection, reason, now: now)
        case .evict(let connection, let client): evict(connection, of: client, by: source, now: now)
        case .ended(let client, let connection): ended(client, of: connection, now: now)
        case .toHome(let connection, let message): handle(message, of: connection, now: now)
        case .toConnection(let connection, let message): handle(message, for: connection, from: source, now: now)
        case .cluster(let message): handle(message, from: source, now: now)
        }
    }
}
