package import NIOCore

/// Bytes of one connection, as they arrive, to packets.
package struct PacketDecoder {
    /// The side that this decoder reads for: each packet type is allowed in one direction or both.
    package enum Role: Sendable { case server, client }

    package let role: Role
    /// Octets of a whole packet with its fixed header; larger ones are refused with 0x95 before they are buffered.
    package var maximumPacketSize: Int
    /// Known to a client from the start; a server learns it from CONNECT.
    package private(set) var version: ProtocolVersion?

    package init(role: Role, maximumPacketSize: Int, version: ProtocolVersion? = nil) {
        self.role = role
        self.maximumPacketSize = maximumPacketSize
        self.version = version
    }

    /// The next whole packet, or `nil` while it is incomplete; then the reader index stands at its first octet.
    ///
    /// Topics, payloads and other binary fields are slices of `buffer`.
    package mutating func next(from buffer: inout ByteBuffer) throws(CodecError) -> Packet? {
        nil
    }
}
