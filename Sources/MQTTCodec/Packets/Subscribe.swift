/// SUBSCRIBE (MQTT 5.0 §3.8).
package struct Subscribe: Equatable, Sendable {
    package var packetIdentifier: UInt16
    /// At least one [MQTT-3.8.3-2].
    package var subscriptions: [Subscription]
    /// 1 to 268,435,455.
    package var subscriptionIdentifier: UInt32?
    package var userProperties: [UserProperty]

    /// A topic filter with its options.
    package struct Subscription: Equatable, Sendable {
        /// UTF-8. The broker checks whether it is a valid topic filter, since SUBACK has a reason code for each filter.
        package var topicFilter: String
        package var options: SubscriptionOptions

        package init(topicFilter: String, options: SubscriptionOptions = SubscriptionOptions()) {
            self.topicFilter = topicFilter
            self.options = options
        }
    }

    package init(
        packetIdentifier: UInt16,
        subscriptions: [Subscription],
        subscriptionIdentifier: UInt32? = nil,
        userProperties: [UserProperty] = []
    ) {
        self.packetIdentifier = packetIdentifier
        self.subscriptions = subscriptions
        self.subscriptionIdentifier = subscriptionIdentifier
        self.userProperties = userProperties
    }
}

/// The options of one subscription (MQTT 5.0 §3.8.3.1). MQTT 3 has the QoS alone.
package struct SubscriptionOptions: Equatable, Sendable {
    package var maximumQoS: QualityOfService
    package var noLocal: Bool
    package var retainAsPublished: Bool
    package var retainHandling: RetainHandling

    /// When retained messages are sent (MQTT 5.0 §3.8.3.1).
    package enum RetainHandling: UInt8, Sendable {
        case send = 0
        case sendIfNew = 1
        case doNotSend = 2
    }

    package init(
        maximumQoS: QualityOfService = .atMostOnce,
        noLocal: Bool = false,
        retainAsPublished: Bool = false,
        retainHandling: RetainHandling = .send
    ) {
        self.maximumQoS = maximumQoS
        self.noLocal = noLocal
        self.retainAsPublished = retainAsPublished
        self.retainHandling = retainHandling
    }
}

/// SUBACK (MQTT 5.0 §3.9): one reason code per subscription, in order.
package struct SubscribeAcknowledgement: Equatable, Sendable {
    package var packetIdentifier: UInt16
    package var reasonCodes: [ReasonCode]
    package var properties: ReasonProperties?

    package init(packetIdentifier: UInt16, reasonCodes: [ReasonCode], properties: ReasonProperties? = nil) {
        self.packetIdentifier = packetIdentifier
        self.reasonCodes = reasonCodes
        self.properties = properties
    }
}
