internal import CNgtcp2

/// The header fields of a QUIC packet that are the same in all versions (RFC 8999), enough to route it.
struct PacketHeader {
    static let version1: UInt32 = 1

    /// The form of the header (RFC 8999 §5).
    enum Form: Equatable {
        case short
        /// Version 0 is a Version Negotiation packet.
        case long(version: UInt32)
    }

    let form: Form
    let destination: QUICConnectionID
    /// Empty in short headers.
    let source: QUICConnectionID

    /// Reads the header of the first packet of a datagram.
    ///
    /// - Parameter identifierCount: the length of this endpoint's identifiers, which short headers do not contain.
    init?(_ datagram: UnsafeRawBufferPointer, identifierCount: Int) {
        guard let first = unsafe datagram.first else { return nil }
        if first & 0x80 == 0 {
            guard datagram.count > identifierCount else { return nil }
            self.form = .short
            unsafe self.destination = QUICConnectionID(
                UnsafeRawBufferPointer(rebasing: datagram[1...identifierCount])
            )
            self.source = QUICConnectionID(EmptyCollection())
            return
        }
        guard datagram.count >= 7 else { return nil }
        let version = unsafe UInt32(bigEndian: datagram.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
        let destinationCount = unsafe Int(datagram[5])
        let sourceAt = 6 + destinationCount
        guard destinationCount <= QUICConnectionID.maximumCount, sourceAt < datagram.count else { return nil }
        let sourceCount = unsafe Int(datagram[sourceAt])
        guard sourceCount <= QUICConnectionID.maximumCount, sourceAt + 1 + sourceCount <= datagram.count else {
            return nil
        }
        self.form = .long(version: version)
        unsafe self.destination = QUICConnectionID(UnsafeRawBufferPointer(rebasing: datagram[6..<sourceAt]))
        unsafe self.source = QUICConnectionID(
            UnsafeRawBufferPointer(rebasing: datagram[(sourceAt + 1)..<(sourceAt + 1 + sourceCount)])
        )
    }

    /// The token of an Initial that may start a connection, empty if it has none; `nil` for any other packet (RFC 9000 §7.2,
    /// §14.1).
    static func acceptableToken(_ datagram: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var header = unsafe ngtcp2_pkt_hd()
        let status = unsafe ngtcp2_accept(
            &header,
            datagram.baseAddress?.assumingMemoryBound(to: UInt8.self),
            datagram.count
        )
        // ngtcp2 allows shorter identifiers in an Initial with a token, since a Retry may have chosen them. Retries here do
        // not.
        guard status == 0, unsafe header.dcid.datalen >= 8 else { return nil }
        return unsafe UnsafeRawBufferPointer(start: header.token, count: header.tokenlen)
    }
}
