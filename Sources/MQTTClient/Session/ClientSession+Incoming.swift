import DequeModule
import MQTTCodec
package import NIOCore

/// Packets from the server.
extension ClientSession {
    /// The next event in the octets that were read, or `nil` if more octets are needed. Answers are appended to ``output``.
    ///
    /// - Throws: why the connection cannot go on. DISCONNECT is written already; the owner sends it and closes.
    package mutating func next(from bytes: inout ByteBuffer, now: NIODeadline) throws(ClientError) -> ClientEvent? {
        if let token = abandoned.popFirst() { return .abandoned(token: token) }
        while let packet = try decode(&bytes, now: now) {
            if let event = try receive(packet, now: now) { return event }
        }
        return nil
    }

    private mutating func decode(_ bytes: inout ByteBuffer, now: NIODeadline) throws(ClientError) -> Packet? {
        do {
            return try decoder.next(from: &bytes)
        } catch {
            throw violation(error, now: now)
        }
    }

    private mutating func violation(_ error: CodecError, now: NIODeadline) -> ClientError {
        disconnect(Disconnect(reasonCode: error.reasonCode), now: now)
        return .protocolViolation(error)
    }

    private mutating func receive(_ packet: Packet, now: NIODeadline) throws(ClientError) -> ClientEvent? {
        guard phase == .connected else { return try receiveFirst(packet, now: now) }
        unanswered = nil
        switch packet {
        case .publish(let message):
            return try receive(message, now: now)
        case .acknowledgement(let acknowledgement):
            return receive(acknowledgement, now: now)
        case .subscribeAcknowledgement(let answer):
            guard case .subscribe? = inflight[answer.packetIdentifier]?.stage,
                let entry = inflight.remove(answer.packetIdentifier)
            else { throw violation(CodecError(.protocolError, "SUBACK that nobody asked for"), now: now) }
            return .subscribed(token: entry.token, answer)
        case .unsubscribeAcknowledgement(var answer):
            guard case .unsubscribe(let filters)? = inflight[answer.packetIdentifier]?.stage,
                let entry = inflight.remove(answer.packetIdentifier)
            else { throw violation(CodecError(.protocolError, "UNSUBACK that nobody asked for"), now: now) }
            // MQTT 3 answers without codes, and then means success.
            if version != .v5 { answer.reasonCodes = Array(repeating: .success, count: filters) }
            return .unsubscribed(token: entry.token, answer)
        case .pingResponse:
            return nil
        case .disconnect(let reason):
            phase = .disconnecting
            throw .disconnected(reason.reasonCode, reason.properties?.reasonString)
        case .connectAcknowledgement:
            throw violation(CodecError(.protocolError, "a second CONNACK"), now: now)
        case .authentication:
            throw violation(CodecError(.protocolError, "AUTH without an authentication method"), now: now)
        case .connect, .subscribe, .unsubscribe, .pingRequest:
            throw violation(CodecError(.protocolError, "a packet that only clients send"), now: now)
        }
    }

    private mutating func receiveFirst(_ packet: Packet, now: NIODeadline) throws(ClientError) -> ClientEvent? {
        // After DISCONNECT all packets are ignored.
        guard phase == .connecting else { return nil }
        switch packet {
        case .connectAcknowledgement(let answer):
            guard !answer.reasonCode.isError else {
                phase = .disconnecting
                throw .refused(answer.reasonCode, answer.properties.reasonString)
            }
            accepted(answer, now: now)
            return .connected(answer)
        case .disconnect(let reason):
            phase = .disconnecting
            throw .disconnected(reason.reasonCode, reason.properties?.reasonString)
        default:
            throw violation(CodecError(.protocolError, "a packet before CONNACK"), now: now)
        }
    }

    private mutating func receive(_ message: Publish, now: NIODeadline) throws(ClientError) -> ClientEvent? {
        let identifier = message.packetIdentifier
        // The server sends an unacknowledged message again on the control stream.
        if isFinished, message.qos > .atMostOnce { return nil }
        switch message.qos {
        case .atMostOnce:
            return .message(message)
        case .atLeastOnce:
            send(.acknowledgement(PublishAcknowledgement(.received, identifier)), now: now)
            return .message(message)
        case .exactlyOnce:
            let allowed = Int(configuration.connect.properties.receiveMaximum ?? .max)
            let isNew = !unreleased.contains(identifier)
            guard !isNew || unreleased.count < allowed else {
                throw violation(CodecError(.receiveMaximumExceeded, "more messages than Receive Maximum"), now: now)
            }
            unreleased.insert(identifier)
            send(.acknowledgement(PublishAcknowledgement(.recorded, identifier)), now: now)
            return isNew ? .message(message) : nil
        }
    }

    private mutating func receive(_ answer: PublishAcknowledgement, now: NIODeadline) -> ClientEvent? {
        let identifier = answer.packetIdentifier
        switch answer.kind {
        case .received:
            guard case .publish(let message)? = inflight[identifier]?.stage, message.qos == .atLeastOnce else {
                return nil
            }
            return finish(identifier, answer.reasonCode, now: now)
        case .recorded:
            return recorded(answer, now: now)
        case .complete:
            guard case .release(let recorded)? = inflight[identifier]?.stage else { return nil }
            return finish(identifier, answer.reasonCode.isError ? answer.reasonCode : recorded, now: now)
        case .release:
            let isKnown = unreleased.remove(identifier) != nil
            let code: ReasonCode = isKnown ? .success : .packetIdentifierNotFound
            send(.acknowledgement(PublishAcknowledgement(.complete, identifier, reasonCode: code)), now: now)
            return nil
        }
    }

    private mutating func recorded(_ answer: PublishAcknowledgement, now: NIODeadline) -> ClientEvent? {
        let identifier = answer.packetIdentifier
        switch inflight[identifier]?.stage {
        case .publish(let message) where message.qos == .exactlyOnce:
            if answer.reasonCode.isError { return finish(identifier, answer.reasonCode, now: now) }
            inflight.update(identifier, .release(answer.reasonCode), now: now)
            send(.acknowledgement(PublishAcknowledgement(.release, identifier)), now: now)
        case .release:
            send(.acknowledgement(PublishAcknowledgement(.release, identifier)), now: now)
        default:
            let code = ReasonCode.packetIdentifierNotFound
            send(.acknowledgement(PublishAcknowledgement(.release, identifier, reasonCode: code)), now: now)
        }
        return nil
    }

    /// Ends the exchange of a message, and sends the next one that waits.
    private mutating func finish(_ identifier: UInt16, _ code: ReasonCode, now: NIODeadline) -> ClientEvent? {
        guard let entry = inflight.remove(identifier) else { return nil }
        // A PUBREL of an earlier connection took no place on this one (MQTT 5.0 §4.9).
        quota = min(quota + 1, limits.receiveMaximum, configuration.maximumInflight)
        sendWaiting(now: now)
        return .published(token: entry.token, code)
    }
}
