import NIOCore

/// What questions and answers begin with: a version, and a head that later versions append to.
enum MessageHead {
    private static let version: UInt8 = 1

    /// Parts octets into head and body; `nil` if they are too short.
    static func read(_ octets: ByteBuffer) -> (head: ByteBuffer, body: ByteBuffer)? {
        var octets = octets
        guard let version = octets.readInteger(as: UInt8.self), version >= Self.version,
            let length = octets.readInteger(as: UInt16.self), let head = octets.readSlice(length: Int(length))
        else { return nil }
        return (head, octets.slice())
    }

    static func write(_ head: ByteBuffer, _ body: ByteBuffer) -> ByteBuffer {
        var octets = ByteBuffer()
        octets.reserveCapacity(3 + head.readableBytes + body.readableBytes)
        octets.writeInteger(version)
        octets.writeInteger(UInt16(clamping: head.readableBytes))
        octets.writeImmutableBuffer(head)
        octets.writeImmutableBuffer(body)
        return octets
    }

    /// The number of a node as an octet, 255 for none.
    struct Node {
        let number: Int?

        private static let none: UInt8 = 255

        init(_ number: Int?) { self.number = number }

        /// `nil` for an octet that stands for no node.
        init?(reading octets: inout ByteBuffer) {
            guard let octet = octets.readInteger(as: UInt8.self) else { return nil }
            guard octet == Self.none || octet < Heartbeat.maximumNodes else { return nil }
            number = octet == Self.none ? nil : Int(octet)
        }

        func write(to octets: inout ByteBuffer) { octets.writeInteger(number.map { UInt8(clamping: $0) } ?? Self.none) }
    }
}
