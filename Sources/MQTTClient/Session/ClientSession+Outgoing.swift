import DequeModule
package import MQTTCodec
package import NIOCore

/// Messages and requests to the server (MQTT 5.0 §4.3, §4.4, §4.9).
extension ClientSession {
    /// Messages at QoS 1 and 2 that ``publish(_:token:now:)`` would send at once.
    package var availableQuota: Int { waiting.isEmpty && redelivery.isEmpty ? quota : 0 }

    /// Messages at QoS 1 and 2 without their final acknowledgement, and those that wait.
    package var unacknowledged: Int { inflight.count + waiting.count }

    /// Sends a message, or keeps it until the window has room and there is a connection. Sets its packet identifier.
    ///
    /// At QoS 1 and 2 ``ClientEvent/published(token:_:)`` follows.
    package mutating func publish(_ message: Publish, token: UInt64 = 0, now: NIODeadline) throws(ClientError) {
        try check(message)
        guard !isFinished else { throw .notConnected }
        guard message.qos > .atMostOnce else {
            guard phase == .connected else { throw .notConnected }
            return send(message, now: now)
        }
        if phase == .connected, availableQuota > 0 {
            sendFirst(message, token: token, now: now)
        } else {
            guard waiting.count < configuration.maximumQueued else { throw .queueFull }
            waiting.append((message, token))
        }
    }

    /// Asks for subscriptions; ``ClientEvent/subscribed(token:_:)`` follows. The packet identifier is set here.
    package mutating func subscribe(_ request: Subscribe, token: UInt64 = 0, now: NIODeadline) throws(ClientError) {
        guard phase == .connected, !isFinished else { throw .notConnected }
        guard let identifier = inflight.insert(.subscribe, token: token, now: now) else { throw .queueFull }
        var request = request
        request.packetIdentifier = identifier
        send(.subscribe(request), now: now)
    }

    /// Ends subscriptions; ``ClientEvent/unsubscribed(token:_:)`` follows. The packet identifier is set here.
    package mutating func unsubscribe(_ request: Unsubscribe, token: UInt64 = 0, now: NIODeadline) throws(ClientError) {
        guard phase == .connected, !isFinished else { throw .notConnected }
        let stage = InflightTable.Entry.Stage.unsubscribe(filters: request.topicFilters.count)
        guard let identifier = inflight.insert(stage, token: token, now: now) else { throw .queueFull }
        var request = request
        request.packetIdentifier = identifier
        send(.unsubscribe(request), now: now)
    }

    private func check(_ message: Publish) throws(ClientError) {
        guard phase == .connected else { return }
        guard message.qos <= limits.maximumQoS else { throw .qosNotSupported }
        guard limits.retainAvailable || !message.retain else { throw .retainNotSupported }
        if limits.maximumPacketSize < .max {
            // Fixed header, lengths, packet identifier and no properties take less than 16 octets: only a message with
            // properties, or near the limit, is measured by writing it.
            let content = message.topic.readableBytes + message.payload.readableBytes
            if !message.properties.isEmpty || content + 16 > limits.maximumPacketSize {
                var scratch = ByteBuffer()
                guard content < limits.maximumPacketSize,
                    scratch.write(.publish(message), version: version) <= limits.maximumPacketSize
                else { throw .packetTooLarge }
            }
        }
    }

    private mutating func sendFirst(_ message: Publish, token: UInt64, now: NIODeadline) {
        guard let identifier = inflight.insert(.publish(message), token: token, now: now) else {
            // Subscriptions hold the last identifiers: the message waits for one of them.
            return waiting.prepend((message, token))
        }
        var message = message
        message.packetIdentifier = identifier
        quota -= 1
        send(message, now: now)
        scheduleRetry(now: now)
    }

    mutating func sendWaiting(now: NIODeadline) {
        if isFinished { return }
        while quota > 0, let identifier = redelivery.popFirst() { sendAgain(identifier, now: now) }
        guard redelivery.isEmpty else { return }
        while quota > 0, inflight.identifiers.isAnyFree, let next = waiting.popFirst() {
            sendFirst(next.message, token: next.token, now: now)
        }
    }

    private mutating func sendAgain(_ identifier: UInt16, now: NIODeadline) {
        guard case .publish(var message)? = inflight[identifier]?.stage else { return }
        message.packetIdentifier = identifier
        message.isDuplicate = true
        inflight.touch(identifier, now: now)
        quota -= 1
        send(message, now: now)
        scheduleRetry(now: now)
    }

    // MARK: A new connection of the session

    /// Sends unacknowledged PUBLISH and PUBREL packets again, in their original order [MQTT-4.4.0-1].
    mutating func resendUnacknowledged(now: NIODeadline) {
        for identifier in inflight.identifiers(where: \.isMessage) {
            switch inflight[identifier]?.stage {
            case .publish: redelivery.append(identifier)
            case .release: send(.acknowledgement(PublishAcknowledgement(.release, identifier)), now: now)
            default: break
            }
        }
    }

    /// The server has no session, so the client discards its own [MQTT-3.2.2-5].
    mutating func forgetSession() {
        for identifier in inflight.identifiers(where: \.isMessage) {
            if let entry = inflight.remove(identifier) { abandoned.append(entry.token) }
        }
        unreleased.removeAll(keepingCapacity: false)
    }

    // MARK: Repetition (MQTT 3)

    private mutating func scheduleRetry(now: NIODeadline) {
        guard retryAt == nil, version != .v5, let interval = configuration.retryInterval else { return }
        retryAt = now + interval
    }

    mutating func repeatUnacknowledged(now: NIODeadline) {
        guard let interval = configuration.retryInterval else { return }
        for identifier in inflight.identifiers(where: { $0.isMessage && now >= $0.sentAt + interval }) {
            switch inflight[identifier]?.stage {
            case .publish(var message):
                message.packetIdentifier = identifier
                message.isDuplicate = true
                send(message, now: now)
            case .release:
                send(.acknowledgement(PublishAcknowledgement(.release, identifier)), now: now)
            default: break
            }
            inflight.touch(identifier, now: now)
        }
        retryAt = inflight.count > 0 ? now + interval : nil
    }
}
