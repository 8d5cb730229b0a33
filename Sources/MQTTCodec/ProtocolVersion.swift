/// The protocol level of a connection, as CONNECT names it (MQTT 5.0 §3.1.2.2).
///
/// Packet types have the fields of MQTT 5.0; the encoder leaves out or maps what an older version does not have.
package enum ProtocolVersion: UInt8, Sendable, CaseIterable {
    case v3_1 = 3
    case v3_1_1 = 4
    case v5 = 5
}
