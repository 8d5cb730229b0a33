/// UNSUBSCRIBE (MQTT 5.0 §3.10).
package struct Unsubscribe: Equatable, Sendable {
    package var packetIdentifier: UInt16
    /// At least one [MQTT-3.10.3-2].
    package var topicFilters: [String]
    package var userProperties: [UserProperty]

    package init(packetIdentifier: UInt16, topicFilters: [String], userProperties: [UserProperty] = []) {
        self.packetIdentifier = packetIdentifier
        self.topicFilters = topicFilters
        self.userProperties = userProperties
    }
}

/// UNSUBACK (MQTT 5.0 §3.11): one reason code per filter; MQTT 3 sends none of them.
package struct UnsubscribeAcknowledgement: Equatable, Sendable {
    package var packetIdentifier: UInt16
    package var reasonCodes: [ReasonCode]
    package var properties: ReasonProperties?

    package init(packetIdentifier: UInt16, reasonCodes: [ReasonCode], properties: ReasonProperties? = nil) {
        self.packetIdentifier = packetIdentifier
        self.reasonCodes = reasonCodes
        self.properties = properties
    }
}
