package import NIOCore

/// The properties of PUBLISH and of a will (MQTT 5.0 §3.3.2.3, §3.1.3.2). Without any it is one null pointer, as in most
/// messages.
package struct PublishProperties: Equatable, Sendable {
    /// All properties, copied on write.
    package final class Storage: Sendable {
        package let values: Values
        package init(_ values: Values) { self.values = values }
    }

    /// The value of each property.
    package struct Values: Equatable, Sendable {
        /// Payload Format Indicator (0x01): true for UTF-8 text; `nil` if the property is absent.
        package var payloadIsUTF8: Bool?
        /// Seconds until the message expires (0x02).
        package var messageExpiryInterval: UInt32?
        package var contentType: String?
        /// UTF-8, without wildcards.
        package var responseTopic: String?
        package var correlationData: ByteBuffer?
        /// In the order in which they were received [MQTT-3.3.2-18].
        package var userProperties: [UserProperty] = []
        /// 1 to 65,535; for this connection only [MQTT-3.3.2-7].
        package var topicAlias: UInt16?
        /// 1 to 268,435,455 each; set by the server only [MQTT-3.3.4-6].
        package var subscriptionIdentifiers: [UInt32] = []
        /// Will Delay Interval in seconds (0x18); in a will only.
        package var willDelayInterval: UInt32?

        package init() {}
    }

    @usableFromInline
    package var storage: Storage?

    /// True if there is no property.
    @inlinable
    package init() { storage = nil }

    package init(_ values: Values) { storage = values == Values() ? nil : Storage(values) }

    @inlinable
    package var isEmpty: Bool { storage == nil }

    package var values: Values {
        get { storage?.values ?? Values() }
        set { self = Self(newValue) }
    }

    package static func == (lhs: Self, rhs: Self) -> Bool { lhs.storage === rhs.storage || lhs.values == rhs.values }
}
