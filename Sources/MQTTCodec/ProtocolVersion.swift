/// The protocol level of a connection, as CONNECT names it (MQTT 5.0 §3.1.2.2).
///
/// Only the codec asks for it: packets have one vocabulary, that of MQTT 5.0, and what an older version cannot say is
/// left out or mapped when a packet is encoded.
package enum ProtocolVersion: UInt8, Sendable, CaseIterable {
    case v3_1 = 3
    case v3_1_1 = 4
    case v5 = 5
}
