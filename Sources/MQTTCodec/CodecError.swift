/// Why octets are not an MQTT packet, or a packet that this side must not accept.
package struct CodecError: Error, Equatable, Sendable {
    /// The reason code of DISCONNECT, or of CONNACK before the connection is accepted.
    package let reasonCode: ReasonCode
    /// The mistake in words, for the log: constant text, never a peer's data.
    package let detail: String

    package init(_ reasonCode: ReasonCode, _ detail: StaticString) {
        self.reasonCode = reasonCode
        self.detail = detail.description
    }

    /// A Malformed Packet, which cannot be parsed (MQTT 5.0 §4.13.1): reason code 0x81.
    package static func malformed(_ detail: StaticString) -> Self { Self(.malformedPacket, detail) }

    /// A Protocol Error: a packet that can be parsed and is not allowed, or not now (MQTT 5.0 §4.13.1): reason code 0x82.
    package static func protocolError(_ detail: StaticString) -> Self { Self(.protocolError, detail) }
}
