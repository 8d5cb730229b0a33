/// Bytes that are no MQTT packet, or one that this side must not accept.
package struct CodecError: Error, Equatable, Sendable {
    /// What goes on the wire: in DISCONNECT, or in CONNACK while the connection is not accepted.
    package let reasonCode: ReasonCode
    /// What was wrong, for the log: constant text, never a peer's data.
    package let detail: String

    package init(_ reasonCode: ReasonCode, _ detail: StaticString) {
        self.reasonCode = reasonCode
        self.detail = "\(detail)"
    }
}
