package import NIOCore

/// A PUBLISH that is encoded once and written to any number of subscribers: they differ in the first octet, the packet
/// identifier, the protocol version and, seldom, in subscription identifiers.
///
/// Making one of a message that passes through copies nothing but its properties, if it has any: topic and payload
/// stay slices of what was read. `copied()` makes one that may be kept.
///
/// MQTT 3 is not written the properties. What is meant for one hop alone is not among them: topic alias and subscription
/// identifiers.
package struct EncodedPublish: Sendable {
    /// From this size on a payload is better sent from where it lies than copied (`write` without it, then `payload`).
    package static let separatePayloadThreshold = 16 * 1024

    /// The topic name, UTF-8.
    package let topic: ByteBuffer
    package let payload: ByteBuffer
    /// Seconds from the receipt of the message to its expiry.
    package let messageExpiryInterval: UInt32?
    /// The properties without their length; a message expiry interval stands first.
    private let properties: ByteBuffer?
    /// Whether a packet's fields can hold it: nothing that a decoder read is too long for them.
    private let isExpressible: Bool

    package init(_ publish: Publish) {
        self.init(publish, place: .forwarded)
    }

    /// Encodes the properties that `place` allows.
    init(_ publish: Publish, place: PublishProperties.Place) {
        var isExpressible = publish.topic.readableBytes <= UInt16.max
        if publish.properties.isEmpty {
            properties = nil
            messageExpiryInterval = nil
        } else {
            let values = publish.properties.values
            properties = PacketWriter.fragment { values.write(to: &$0, in: place) }
            messageExpiryInterval = values.messageExpiryInterval
            isExpressible = isExpressible && properties != nil
        }
        self.isExpressible = isExpressible
        topic = publish.topic
        payload = publish.payload
    }

    private init(
        _ message: Self,
        topic: ByteBuffer,
        properties: ByteBuffer?,
        payload: ByteBuffer
    ) {
        self.topic = topic
        self.properties = properties
        self.payload = payload
        messageExpiryInterval = message.messageExpiryInterval
        isExpressible = message.isExpressible
    }
}

extension EncodedPublish {
    /// The same message in storage of its own, one allocation that pins no read buffer: for queues, inflight messages,
    /// retained messages and wills.
    package func copied() -> EncodedPublish {
        let size = topic.readableBytes + (properties?.readableBytes ?? 0) + payload.readableBytes
        var storage = ByteBufferAllocator().buffer(capacity: size)
        storage.writeImmutableBuffer(topic)
        if let properties { storage.writeImmutableBuffer(properties) }
        storage.writeImmutableBuffer(payload)
        guard
            let topic = storage.readSlice(length: topic.readableBytes),
            let properties = storage.readSlice(length: properties?.readableBytes ?? 0)
        else { return self }
        return EncodedPublish(
            self,
            topic: topic,
            properties: self.properties == nil ? nil : properties,
            payload: storage.slice()
        )
    }
}

extension EncodedPublish {
    /// Octets of the whole packet; 0 where no packet can hold it.
    package func size(
        version: ProtocolVersion,
        qos: QualityOfService,
        subscriptionIdentifiers: [UInt32] = []
    ) -> Int {
        Layout(self, version: version, qos: qos, subscriptionIdentifiers: subscriptionIdentifiers)?.size ?? 0
    }

    /// Appends the packet and returns how many octets that were; 0, and nothing appended, where no packet can hold it.
    ///
    /// - Parameters:
    ///   - packetIdentifier: 1 to 65,535; not written at QoS 0.
    ///   - isDuplicate: Not written at QoS 0 [MQTT-3.3.1-2].
    ///   - subscriptionIdentifiers: Of the subscriptions that match, 1 to 268,435,455 each [MQTT-3.3.4-3]; MQTT 5.0 only.
    ///   - messageExpiryInterval: Seconds that are left of the message's own interval [MQTT-3.3.2-6]; ignored where it has
    ///     none.
    ///   - withPayload: Otherwise all that stands before the payload is written, and `payload` is to follow on the wire.
    @discardableResult
    package func write(
        into buffer: inout ByteBuffer,
        version: ProtocolVersion,
        qos: QualityOfService,
        packetIdentifier: UInt16,
        retain: Bool,
        isDuplicate: Bool = false,
        subscriptionIdentifiers: [UInt32] = [],
        messageExpiryInterval: UInt32? = nil,
        withPayload: Bool = true
    ) -> Int {
        guard
            let layout = Layout(self, version: version, qos: qos, subscriptionIdentifiers: subscriptionIdentifiers)
        else { return 0 }
        let size = withPayload ? layout.size : layout.size - payload.readableBytes
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { target in
            var cursor = OctetCursor(target)
            writeHead(
                to: &cursor,
                layout,
                Self.firstOctet(qos: qos, retain: retain, isDuplicate: isDuplicate),
                packetIdentifier: qos == .atMostOnce ? nil : packetIdentifier,
                subscriptionIdentifiers: subscriptionIdentifiers,
                messageExpiryInterval: messageExpiryInterval
            )
            if withPayload { cursor.write(payload) }
            return cursor.offset
        }
        return size
    }

    @inline(__always)
    private static func firstOctet(qos: QualityOfService, retain: Bool, isDuplicate: Bool) -> UInt8 {
        PacketType.publish.rawValue << 4 | (isDuplicate && qos != .atMostOnce ? 0x08 : 0) | qos.rawValue << 1
            | (retain ? 0x01 : 0)
    }

    @inline(__always)
    private func writeHead(
        to cursor: inout OctetCursor,
        _ layout: Layout,
        _ firstOctet: UInt8,
        packetIdentifier: UInt16?,
        subscriptionIdentifiers: [UInt32],
        messageExpiryInterval: UInt32?
    ) {
        cursor.write(firstOctet)
        cursor.write(variableByteInteger: layout.remainingLength)
        cursor.write(UInt16(truncatingIfNeeded: topic.readableBytes))
        cursor.write(topic)
        if let packetIdentifier { cursor.write(packetIdentifier) }
        guard let propertiesLength = layout.propertiesLength else { return }
        cursor.write(variableByteInteger: propertiesLength)
        if let properties {
            let start = cursor.offset
            cursor.write(properties)
            if let messageExpiryInterval, self.messageExpiryInterval != nil {
                cursor.overwrite(messageExpiryInterval, at: start + 1)
            }
        }
        for identifier in subscriptionIdentifiers {
            cursor.write(PropertyIdentifier.subscriptionIdentifier.rawValue)
            cursor.write(variableByteInteger: Int(identifier))
        }
    }

    /// The lengths that stand in the packet.
    private struct Layout {
        /// `nil` in MQTT 3, which has none.
        let propertiesLength: Int?
        let remainingLength: Int

        var size: Int { 1 + VariableByteInteger.size(of: remainingLength) + remainingLength }

        /// `nil` where no packet can hold the message.
        @inline(__always)
        init?(
            _ message: EncodedPublish,
            version: ProtocolVersion,
            qos: QualityOfService,
            subscriptionIdentifiers: [UInt32]
        ) {
            guard message.isExpressible else { return nil }
            var remainingLength = 2 + message.topic.readableBytes + message.payload.readableBytes
            if qos != .atMostOnce { remainingLength += 2 }
            if version == .v5 {
                var propertiesLength = message.properties?.readableBytes ?? 0
                for identifier in subscriptionIdentifiers {
                    propertiesLength += 1 + VariableByteInteger.size(of: Int(identifier))
                }
                remainingLength += VariableByteInteger.size(of: propertiesLength) + propertiesLength
                self.propertiesLength = propertiesLength
            } else {
                propertiesLength = nil
            }
            guard remainingLength <= VariableByteInteger.maximum else { return nil }
            self.remainingLength = remainingLength
        }
    }
}
