/// Bytes that are no MQTT packet, or one that this side must not accept.
package struct CodecError: Error, Equatable, Sendable {
    /// What goes on the wire: in DISCONNECT, or in CONNACK while the connection is not accepted.
    package let reasonCode: ReasonCode
    /// What was wrong, for the log: constant text, never a peer's data.
    package let detail: String

    package init(_ reasonCode: ReasonCode, _ detail: StaticString) {
        self.reasonCode = reasonCode
        self.detail = detail.description
    }

    /// Octets that the standard gives no meaning (MQTT 5.0 §4.13.1): reason code 0x81.
    package static func malformed(_ detail: StaticString) -> Self { Self(.malformedPacket, detail) }

    /// Octets that have a meaning and may not be said, or not now (MQTT 5.0 §4.13.1): reason code 0x82.
    package static func protocolError(_ detail: StaticString) -> Self { Self(.protocolError, detail) }
}
