import DequeModule
import MQTTCodec
import NIOCore

// While the store takes nothing that makes it fuller: messages that would be kept are refused before anybody gets them, and what
// makes the store emptier, and all that is not kept, goes on.
extension Shard {
    /// Nothing new is kept from now on; or, with `nil`, everything is again.
    package mutating func suspended(_ suspension: Suspension?, now: Instant) {
        lanes.suspension = suspension
        advancePace(to: now)
        takeWithheld(now: now)
        drainLocal(now: now)
    }

    /// Refuses a message at QoS 1 or 2 that would be kept while nothing may be. A client of MQTT 3 knows no refusal: its message waits,
    /// and so do those behind it, since they have an order [MQTT-4.6.0-2]. Every client's waits while the node is without its lease.
    ///
    /// - Returns: false if the message is to be taken.
    mutating func refuse(_ publish: Publish, along route: Route, on connection: Connection, now: Instant) -> Bool {
        let standsBehind = connection.withheld?.untaken.isEmpty == false
        let isWithoutLease = neighbours != nil && lanes.lease.isOver(now.monotonic)
        guard
            standsBehind || isWithoutLease || lanes.suspension != nil && isKept(publish, along: route, on: connection)
                || isQuarantined(publish)
        else { return false }
        let kind = publish.qos == .exactlyOnce ? PublishAcknowledgement.Kind.recorded : .received
        let identifier = publish.packetIdentifier
        if connection.outbound.version == .v5, !standsBehind, !isWithoutLease {
            counters.messagesRefused += 1
            acknowledge(kind, identifier, .quotaExceeded, on: connection, after: nil, now: now)
            return true
        }
        counters.messagesWithheld += 1
        let receipt = Receipt(.connection(connection))
        // For itself, until it is taken.
        receipt.remaining = 1
        acknowledge(kind, identifier, .success, on: connection, after: receipt, octets: publish.octetCount, now: now)
        if !standsBehind { lanes.untaken.append(connection) }
        connection.withheld?.untaken.append((Publish(copying: publish), receipt))
        return true
    }

    /// True if a durable session, or the retained messages, would keep a message.
    private func isKept(_ publish: Publish, along route: Route, on connection: Connection) -> Bool {
        // The lane of a durable client keeps what it sends at QoS 2, whoever gets it.
        route.isDurable || publish.retain && publish.payload.readableBytes > 0
            || publish.qos == .exactlyOnce && connection.session?.lane != nil
    }

    // MARK: - Messages that were withheld

    /// True if messages wait for nothing but their turn.
    var mayTakeWithheld: Bool { lanes.suspension == nil && !lanes.lease.isLost && !lanes.untaken.isEmpty }

    /// Takes messages that were withheld, of each connection in its turn, as far as the steps of this tick reach.
    mutating func takeWithheld(now: Instant) {
        while pace.stepsLeft > 0, mayTakeWithheld, let connection = lanes.untaken.popFirst() {
            guard let withheld = connection.withheld, let (publish, receipt) = withheld.untaken.popFirst() else {
                continue
            }
            pace.stepsLeft -= 1
            if isQuarantined(publish) {
                withheld.untaken.prepend((publish, receipt))
                continue
            }
            if !withheld.untaken.isEmpty { lanes.untaken.append(connection) }
            take(publish, receipt, of: connection, now: now)
        }
    }

    private mutating func take(_ publish: Publish, _ receipt: Receipt, of connection: Connection, now: Instant) {
        defer { settle(receipt, now: now) }
        guard let route = router.route(publish.topic) else { return }
        if publish.qos == .exactlyOnce {
            // Not if it has come twice: then the answer is repeated, and the message is not [MQTT-4.3.3-10].
            guard let session = connection.session,
                session.awaitingRelease.insert(publish.packetIdentifier).inserted
            else { return }
            connection.inbound.unreleased += 1
            if let lane = session.lane {
                post(publish, of: session, in: lane, receipt, now: now)
                return
            }
        }
        distribute(publish, along: route, from: connection.identity, receipt, now: now)
    }
}
