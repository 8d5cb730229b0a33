package import NIOCore
package import Secrets

/// CONNECT (MQTT 5.0 §3.1).
package struct Connect: Equatable, Sendable {
    package var version: ProtocolVersion
    /// True if another broker's bridge connects: mosquitto's set the high bit of the protocol level in MQTT 3.
    package var isBridge = false
    /// The Client Identifier; empty asks the server to assign one.
    package var clientIdentifier: String
    /// Clean Start; in MQTT 3 Clean Session.
    package var cleanStart: Bool
    /// Keep Alive in seconds; 0 turns it off.
    package var keepAlive: UInt16
    package var userName: String?
    @Secret package var password: ByteBuffer?
    package var will: Will?
    package var properties: Properties

    /// The CONNECT properties (MQTT 5.0 §3.1.2.11).
    package struct Properties: Equatable, Sendable {
        /// Seconds; 0xFFFFFFFF means that the session does not expire. `nil` is 0 in MQTT 5.0; in MQTT 3 Clean Session decides.
        package var sessionExpiryInterval: UInt32?
        /// 1 to 65,535; `nil` is 65,535.
        package var receiveMaximum: UInt16?
        /// Octets of a whole packet, from 1; `nil` is no limit.
        package var maximumPacketSize: UInt32?
        package var topicAliasMaximum: UInt16?
        package var requestResponseInformation: Bool?
        package var requestProblemInformation: Bool?
        package var userProperties: [UserProperty] = []
        package var authenticationMethod: String?
        @Secret package var authenticationData: ByteBuffer?

        package init() {}
    }

    /// The will message; its delay is among its properties.
    package struct Will: Equatable, Sendable {
        package var topic: ByteBuffer
        package var payload: ByteBuffer
        package var qos: QualityOfService
        package var retain: Bool
        package var properties: PublishProperties

        package init(
            topic: ByteBuffer,
            payload: ByteBuffer,
            qos: QualityOfService = .atMostOnce,
            retain: Bool = false,
            properties: PublishProperties = PublishProperties()
        ) {
            self.topic = topic
            self.payload = payload
            self.qos = qos
            self.retain = retain
            self.properties = properties
        }
    }

    package init(
        version: ProtocolVersion = .v5,
        clientIdentifier: String,
        cleanStart: Bool = true,
        keepAlive: UInt16 = 60,
        userName: String? = nil,
        password: ByteBuffer? = nil,
        will: Will? = nil,
        properties: Properties = Properties()
    ) {
        self.version = version
        self.clientIdentifier = clientIdentifier
        self.cleanStart = cleanStart
        self.keepAlive = keepAlive
        self.userName = userName
        self.password = password
        self.will = will
        self.properties = properties
    }
}
