/// DISCONNECT (MQTT 5.0 §3.14). In MQTT 3 only a client sends it, without content.
package struct Disconnect: Equatable, Sendable {
    package var reasonCode: ReasonCode
    /// Session Expiry Interval in seconds; from the client only [MQTT-3.14.2-2].
    package var sessionExpiryInterval: UInt32?
    package var serverReference: String?
    package var properties: ReasonProperties?

    package init(
        reasonCode: ReasonCode = .normalDisconnection,
        sessionExpiryInterval: UInt32? = nil,
        serverReference: String? = nil,
        properties: ReasonProperties? = nil
    ) {
        self.reasonCode = reasonCode
        self.sessionExpiryInterval = sessionExpiryInterval
        self.serverReference = serverReference
        self.properties = properties
    }
}
