package import NIOCore

/// The properties of PUBLISH and of a will (MQTT 5.0 §3.3.2.3, §3.1.3.2). Most messages have none: then this is one null
/// pointer.
package struct PublishProperties: Equatable, Sendable {
    /// Everything, in one box that is shared until it is changed.
    package final class Storage: Sendable {
        package let values: Values
        package init(_ values: Values) { self.values = values }
    }

    package struct Values: Equatable, Sendable {
        /// Whether the payload is said to be UTF-8 text (0x01); `nil` where the property is absent.
        package var payloadIsUTF8: Bool?
        /// Seconds until the message expires (0x02).
        package var messageExpiryInterval: UInt32?
        package var contentType: String?
        /// UTF-8, without wildcards.
        package var responseTopic: String?
        package var correlationData: ByteBuffer?
        /// In the order in which they were received [MQTT-3.3.2-18].
        package var userProperties: [UserProperty] = []
        /// 1 to 65,535; for this hop only [MQTT-3.3.2-7].
        package var topicAlias: UInt16?
        /// 1 to 268,435,455 each; set by the server only [MQTT-3.3.4-6].
        package var subscriptionIdentifiers: [UInt32] = []
        /// Seconds; in a will only (0x18).
        package var willDelayInterval: UInt32?

        package init() {}
    }

    @usableFromInline
    package var storage: Storage?

    /// No property at all.
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
