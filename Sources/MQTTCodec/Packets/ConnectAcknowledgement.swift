package import NIOCore

/// CONNACK (MQTT 5.0 §3.2). For MQTT 3 the reason code is mapped to a return code (MQTT 3.1.1 §3.2.2.3).
package struct ConnectAcknowledgement: Equatable, Sendable {
    package var sessionPresent: Bool
    package var reasonCode: ReasonCode
    package var properties: Properties

    /// The CONNACK properties (MQTT 5.0 §3.2.2.3).
    package struct Properties: Equatable, Sendable {
        /// Session Expiry Interval in seconds; present if the server uses another one than the client asked for.
        package var sessionExpiryInterval: UInt32?
        package var receiveMaximum: UInt16?
        /// Present if it is below 2.
        package var maximumQoS: QualityOfService?
        package var retainAvailable: Bool?
        package var maximumPacketSize: UInt32?
        package var assignedClientIdentifier: String?
        package var topicAliasMaximum: UInt16?
        package var reasonString: String?
        package var userProperties: [UserProperty] = []
        package var wildcardSubscriptionAvailable: Bool?
        package var subscriptionIdentifiersAvailable: Bool?
        package var sharedSubscriptionAvailable: Bool?
        /// Seconds.
        package var serverKeepAlive: UInt16?
        package var responseInformation: String?
        package var serverReference: String?
        package var authenticationMethod: String?
        package var authenticationData: ByteBuffer?

        package init() {}
    }

    package init(sessionPresent: Bool = false, reasonCode: ReasonCode, properties: Properties = Properties()) {
        self.sessionPresent = sessionPresent
        self.reasonCode = reasonCode
        self.properties = properties
    }
}
