import MQTTCodec
import NIOCore

// Receipts: a PUBLISH at QoS 1 or 2 is acknowledged once every lane that keeps it for a durable session, and that of the retained
// topic, has committed it.
extension Shard {
    /// The receipt of a message that another shard has handed over, which waits for this shard at first; `nil` for the number 0.
    ///
    /// - Parameter source: where the message came from first.
    func receiptFor(_ shard: ShardReference, _ number: UInt64, source: ShardReference) -> Receipt? {
        guard number != 0 else { return nil }
        let receipt = Receipt(.shard(shard, number: number, source: source))
        receipt.remaining = 1
        return receipt
    }

    /// One of the lanes and shards that a receipt counts has the message now.
    mutating func settle(_ receipt: Receipt, now: Instant) {
        receipt.remaining -= 1
        if receipt.isComplete { complete(receipt, now: now) }
    }

    private mutating func complete(_ receipt: Receipt, now: Instant) {
        switch receipt.owner {
        case .connection(let connection): writeAcknowledgements(of: connection, now: now)
        case .shard(let shard, let number, _): send(.stored(number), to: shard)
        case .outbox(let lane):
            guard let number = lanes[lane].outbox.removePassed() else { return }
            lanes.append(.passed(number), to: lane)
        case .inquiry(let number, let hasSubscribers):
            answers.append((number, .published(hasSubscribers ? .published : .noSubscribers)))
        }
    }

    /// Another shard keeps a message that this shard has handed over.
    mutating func stored(_ number: UInt64, by shard: ShardReference, now: Instant) {
        guard let awaited = lanes.takeAwaited(number, by: shard) else { return }
        if let message = awaited.message, lanes.limbo.waiting & message.lanes != 0 {
            releaseBehind(message.lanes & lanes.limbo.waiting, refusedBy: nil, now: now)
        }
        settle(awaited.receipt, now: now)
    }

    /// Appends PUBACK or PUBREC to a connection's output once `receipt` is complete and the earlier ones have gone.
    ///
    /// - Parameters:
    ///   - receipt: `nil` if the message waits for nothing.
    ///   - octets: of the message.
    mutating func acknowledge(
        _ kind: PublishAcknowledgement.Kind,
        _ identifier: UInt16,
        _ reason: ReasonCode,
        on connection: Connection,
        after receipt: Receipt?,
        octets: Int = 0,
        now: Instant
    ) {
        let waits = receipt.map { !$0.isComplete } ?? false
        guard waits || connection.withheld?.isEmpty == false else {
            acknowledge(kind, identifier, reason, on: connection)
            return
        }
        let withheld = connection.withheld ?? WithheldAcknowledgements()
        connection.withheld = withheld
        withheld.append(
            .init(kind: kind, packetIdentifier: identifier, reason: reason, receipt: receipt, octets: octets)
        )
        lanes.withheldOctets += octets
        judgeHoldUp(of: connection, now: now)
    }

    private mutating func writeAcknowledgements(of connection: Connection, now: Instant) {
        guard !connection.isClosed, let withheld = connection.withheld else { return }
        while let entry = withheld.popReady() {
            lanes.withheldOctets -= entry.octets
            acknowledge(entry.kind, entry.packetIdentifier, entry.reason, on: connection)
        }
        settle(connection)
        judgeHoldUp(of: connection, now: now)
        judgeHeldUp(now: now)
        endIfFinished(connection, now: now)
    }

    // MARK: - The outbox

    /// Hands a message of a lane's client over that is committed: at QoS 2 with its packet identifier, a will with its end.
    mutating func handOverNext(ofOutbox lane: Lane, now: Instant) {
        if neighbours != nil, lanes.lease.isOver(now.monotonic) { return lanes.holdOutbox(of: lane) }
        let receipt = Receipt(.outbox(lane))
        guard let entry = lanes[lane].outbox.next(receipt) else { return }
        // Counts itself until all are counted.
        receipt.remaining += 1
        if let publish = entry.remaining(now: now), let route = router.route(publish.topic) {
            let origin = LoggedMessage.Origin(lane: lane, number: entry.number)
            distribute(publish, along: route, from: entry.publisher, receipt, origin: origin, now: now)
        }
        settle(receipt, now: now)
    }
}
