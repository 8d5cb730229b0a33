/// PUBACK, PUBREC, PUBREL or PUBCOMP (MQTT 5.0 §3.4 to §3.7).
package struct PublishAcknowledgement: Equatable, Sendable {
    /// Which of the four packets it is.
    package enum Kind: UInt8, Sendable {
        case received = 4  // PUBACK
        case recorded = 5  // PUBREC
        case release = 6  // PUBREL
        case complete = 7  // PUBCOMP
    }

    package var kind: Kind
    package var packetIdentifier: UInt16
    package var reasonCode: ReasonCode
    package var properties: ReasonProperties?

    @inlinable
    package init(
        _ kind: Kind,
        _ packetIdentifier: UInt16,
        reasonCode: ReasonCode = .success,
        properties: ReasonProperties? = nil
    ) {
        self.kind = kind
        self.packetIdentifier = packetIdentifier
        self.reasonCode = reasonCode
        self.properties = properties
    }
}
