import NIOCore

extension PublishProperties {
    /// The packet, or part of it, that has the properties of a message: each allows some of them.
    enum Place {
        /// In a will (MQTT 5.0 §3.1.3.2).
        case will
        /// In a PUBLISH as it is on the wire (MQTT 5.0 §3.3.2.3).
        case publish
        /// The properties that the server passes on from the publisher to subscribers: without topic alias and subscription
        /// identifiers.
        case forwarded
    }

    init(from reader: inout PacketReader, in place: Place) throws(CodecError) {
        var values = Values()
        try reader.readProperties { (identifier, reader) throws(CodecError) in
            try values.take(identifier, from: &reader, in: place)
        }
        self.init(values)
    }
}

extension PublishProperties.Values {
    fileprivate mutating func take(
        _ identifier: PropertyIdentifier,
        from reader: inout PacketReader,
        in place: PublishProperties.Place
    ) throws(CodecError) -> Bool {
        switch identifier {
        case .payloadFormatIndicator: payloadIsUTF8 = try reader.readBoolean()
        case .messageExpiryInterval: messageExpiryInterval = try reader.readUInt32()
        case .contentType: contentType = try reader.readText()
        case .responseTopic: responseTopic = String(buffer: try reader.readTopic())  // [MQTT-3.3.2-14]
        case .correlationData: correlationData = try reader.readBinary()
        case .userProperty: userProperties.append(try reader.readUserProperty())
        case .willDelayInterval where place == .will: willDelayInterval = try reader.readUInt32()
        case .topicAlias where place == .publish:
            let alias = try reader.readUInt16()
            guard alias > 0 else { throw CodecError(.topicAliasInvalid, "topic alias 0") }  // [MQTT-3.3.2-8]
            topicAlias = alias
        case .subscriptionIdentifier where place == .publish:
            guard reader.role == .client else {
                throw .protocolError("subscription identifier from a client")  // [MQTT-3.3.4-6]
            }
            subscriptionIdentifiers.append(try reader.readSubscriptionIdentifier())
        default: return false
        }
        return true
    }

    func write(to writer: inout PacketWriter, in place: PublishProperties.Place) {
        // First, so that `EncodedPublish` can overwrite the Message Expiry Interval.
        writer.write(.messageExpiryInterval, messageExpiryInterval)
        writer.write(.payloadFormatIndicator, payloadIsUTF8)
        writer.write(.contentType, contentType)
        writer.write(.responseTopic, responseTopic)
        writer.write(.correlationData, correlationData)
        writer.write(userProperties)
        switch place {
        case .will: writer.write(.willDelayInterval, willDelayInterval)
        case .publish:
            writer.write(.topicAlias, topicAlias)
            for identifier in subscriptionIdentifiers { writer.write(subscriptionIdentifier: identifier) }
        case .forwarded: break
        }
    }
}
