package import NIOCore

/// A PUBLISH that is encoded once and written to any number of subscribers: they differ in the first octet, the packet
/// identifier, the protocol version and, seldom, in subscription identifiers.
///
/// Making an `EncodedPublish` copies only the properties of the message, if there are any: topic and payload stay slices
/// of the read buffer. `copied()` makes one that may be kept.
///
/// A packet of MQTT 3 has no properties. Topic alias and subscription identifiers, which are meant for one connection only,
/// are not part of an `EncodedPublish`.
package struct EncodedPublish: Sendable {
    /// Octets of a payload from which it is cheaper to send the payload by reference than to copy it (`write` without it,
    /// then `payload`).
    package static let separatePayloadThreshold = 16 * 1024

    /// The topic name, UTF-8.
    package let topic: ByteBuffer
    package let payload: ByteBuffer
    /// Seconds from the receipt of the message to its expiry.
    package let messageExpiryInterval: UInt32?
    /// The encoded properties without Property Length; a Message Expiry Interval comes first.
    private let properties: ByteBuffer?
    /// True if the fields of a packet can hold the message; a message that a decoder has read always fits.
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
    /// The same message in storage of its own: one allocation, which does not keep a read buffer in memory. For queues,
    /// inflight messages, retained messages and wills.
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
    /// Octets of the whole packet; 0 if no packet can hold the message.
    package func size(
        version: ProtocolVersion,
        qos: QualityOfService,
        subscriptionIdentifiers: [UInt32] = []
    ) -> Int {
        Layout(self, version: version, qos: qos, subscriptionIdentifiers: subscriptionIdentifiers)?.size ?? 0
    }

    /// Appends the packet and returns its size in octets. If no packet can hold the message, appends nothing and returns 0.
    ///
    /// - Parameters:
    ///   - packetIdentifier: 1 to 65,535; not written at QoS 0.
    ///   - isDuplicate: the DUP flag; not written at QoS 0 [MQTT-3.3.1-2].
    ///   - subscriptionIdentifiers: of the subscriptions that match, 1 to 268,435,455 each [MQTT-3.3.4-3]; MQTT 5.0 only.
    ///   - messageExpiryInterval: seconds that are left of the message's own interval [MQTT-3.3.2-6]; ignored if the message
    ///     has none.
    ///   - withPayload: false writes the packet up to the payload; the caller sends `payload` behind it.
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

    /// The length fields of the packet.
    private struct Layout {
        /// `nil` in MQTT 3, which has no properties.
        let propertiesLength: Int?
        let remainingLength: Int

        var size: Int { 1 + VariableByteInteger.size(of: remainingLength) + remainingLength }

        /// `nil` if no packet can hold the message.
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
