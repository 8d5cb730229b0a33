import MQTTCodec

// What administrators do.
extension Shard {
    /// Publishes a message in nobody's name. The inquiry is answered once everybody has the message who is to keep it.
    mutating func publish(_ message: MessageToPublish, number: UInt64, now: Instant) {
        guard let publish = message.packet, let route = router.route(publish.topic) else {
            return answers.append((number, .published(.topicInvalid)))
        }
        guard publish.octetCount <= limits.maximumPacketSize else {
            return answers.append((number, .published(.tooLarge)))
        }
        let isKept = publish.qos > .atMostOnce && route.isDurable || publish.retain
        let isWithoutLease = neighbours != nil && publish.qos > .atMostOnce && lanes.lease.isOver(now.monotonic)
        guard !isWithoutLease, !isKept || lanes.suspension == nil && !isQuarantined(publish) else {
            return answers.append((number, .published(.refused)))
        }
        counters.messagesReceived += 1
        let receipt = Receipt(.inquiry(number, hasSubscribers: !route.isEmpty))
        // For itself, until all are counted.
        receipt.remaining = 1
        let waits = lanes.isLogging && publish.qos > .atMostOnce
        distribute(publish, along: route, from: 0, waits ? receipt : nil, now: now)
        settle(receipt, now: now)
        drainLocal(now: now)
    }

    /// Ends the session of a client if it is at home here, or is a transient one of this shard, and its connection with DISCONNECT 0x98
    /// (MQTT 5.0 §3.14.2.1). Its will is published.
    ///
    /// - Returns: false if there is no such session.
    package mutating func kick(_ client: String, now: Instant) -> Bool {
        guard let session = sessions[UTF8Key(client)] else { return false }
        counters.clientsKicked += 1
        if let connection = session.connection {
            session.expiryInterval = 0
            fail(connection, .administrativeAction, now: now)
        } else {
            end(session, now: now)
        }
        drainLocal(now: now)
        return true
    }
}
