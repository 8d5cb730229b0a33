package import NIOCore

extension ByteBuffer {
    /// Appends a packet as `version` writes it and returns the number of octets. 0 where that version has no such packet
    /// (AUTH, or DISCONNECT from a server, in MQTT 3).
    @discardableResult
    package mutating func write(_ packet: Packet, version: ProtocolVersion) -> Int {
        0
    }
}
