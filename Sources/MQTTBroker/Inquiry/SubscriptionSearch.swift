import MQTTCodec

/// A search for the subscriptions of a shard's sessions, session by session.
package struct SubscriptionSearch: Codable, Sendable, Equatable {
    /// The client identifier; `nil` for any.
    package var client: String?
    /// The topic filter itself; `nil` for any.
    package var filter: String?
    /// A topic filter that has to match the subscription's filter as if that were a topic; `nil` for any.
    package var pattern: String?
    /// 0 to 2; `nil` for any.
    package var qos: UInt8?
    /// Subscriptions that are passed over.
    package var skip: Int
    /// Subscriptions that are wanted of those behind.
    package var limit: Int

    /// Rows that are kept at most.
    package static let maximumRows = 10_000

    package init(
        client: String? = nil,
        filter: String? = nil,
        pattern: String? = nil,
        qos: UInt8? = nil,
        skip: Int = 0,
        limit: Int = 100
    ) {
        self.client = client
        self.filter = filter
        self.pattern = pattern
        self.qos = qos
        self.skip = max(0, skip)
        self.limit = min(max(0, limit), Self.maximumRows)
    }

    /// What a shard has found.
    package struct Found: Codable, Sendable, Equatable {
        package var rows: [SubscriptionRow] = []
        /// All subscriptions that fit.
        package var count = 0

        package init() {}
    }
}

/// A subscription of a session.
package struct SubscriptionRow: Codable, Sendable, Equatable {
    package var client: String
    package var filter: String
    /// 0 to 2.
    package var qos: UInt8
    package var noLocal: Bool
    package var retainAsPublished: Bool
    /// 0 to 2 (MQTT 5.0 §3.8.3.1).
    package var retainHandling: UInt8
    /// True if the session outlives the process.
    package var isDurable: Bool
}
