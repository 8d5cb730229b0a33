import DequeModule
import MQTTCodec
import NIOCore

/// What has passed between a connection and the home of its session, and what the home has not said to be settled: if the session's lane gets
/// another leader, that one is told it, and goes on without the client noticing.
struct Unsettled {
    /// Packets of the client, encoded, in their order.
    private(set) var packets = ByteBuffer()
    /// Octets that were settled before the first of `packets`.
    private var settled: UInt64 = 0
    /// Where the last packet is, and those that are answered although packets before them are not settled.
    private var last: Range<UInt64> = 0..<0
    private var answered: Deque<Range<UInt64>> = []
    /// The packet identifiers of messages at QoS 1 and 2 that the client was sent and whose exchanges are not over, or not settled, in the
    /// order in which they were sent.
    private(set) var outstanding: Deque<UInt16> = []
    /// Packets that ended an exchange: where each ends, and its packet identifier.
    private var endings: Deque<(end: UInt64, identifier: UInt16)> = []

    /// Octets of the packets that are kept.
    var octets: Int { packets.readableBytes }

    /// Keeps a packet that is passed on. Returns its octets.
    mutating func pass(_ packet: Packet, version: ProtocolVersion) -> ByteBuffer {
        let start = packets.writerIndex
        let position = settled + UInt64(packets.readableBytes)
        packets.write(packet, version: version)
        last = position..<settled + UInt64(packets.readableBytes)
        if case .acknowledgement(let acknowledgement) = packet, acknowledgement.endsExchange {
            endings.append((settled + UInt64(packets.readableBytes), acknowledgement.packetIdentifier))
        }
        return packets.getSlice(at: start, length: packets.writerIndex - start) ?? ByteBuffer()
    }

    /// The last packet is answered: a new home that was told it would answer it once more.
    mutating func answerLast() {
        if last.lowerBound >= settled, !last.isEmpty { answered.append(last) }
        last = 0..<0
    }

    /// The packets that a new home is told: all but the answered ones, which are not kept any more.
    mutating func retell() -> ByteBuffer {
        if answered.isEmpty { return packets }
        var kept = ByteBuffer()
        var place = settled
        for range in answered {
            if let before = packets.readSlice(length: Int(range.lowerBound - place)) {
                kept.writeImmutableBuffer(before)
            }
            packets.moveReaderIndex(forwardBy: range.count)
            place = range.upperBound
        }
        kept.writeImmutableBuffer(packets)
        for index in endings.indices {
            let end = endings[index].end
            endings[index].end = answered.reduce(end) { $1.upperBound <= end ? $0 - UInt64($1.count) : $0 }
        }
        packets = kept
        answered = []
        return packets
    }

    /// The client is sent messages.
    mutating func sent(_ identifiers: [UInt16]) { outstanding.append(contentsOf: identifiers) }

    /// What the first packets say is in the session's log, and their answers have come.
    mutating func settle(octets: Int) {
        let octets = max(0, min(octets, packets.readableBytes))
        packets.moveReaderIndex(forwardBy: octets)
        settled += UInt64(octets)
        if packets.readableBytes == 0 {
            packets.clear()
        } else if packets.readerIndex > packets.readableBytes {
            packets.discardReadBytes()
        }
        while let first = answered.first, first.lowerBound < settled { answered.removeFirst() }
        while let first = endings.first, first.end <= settled {
            endings.removeFirst()
            if let place = outstanding.firstIndex(of: first.identifier) { outstanding.remove(at: place) }
        }
    }
}

extension PublishAcknowledgement {
    /// True if the client owes nothing more for the message: PUBACK, PUBCOMP, or PUBREC with an error.
    fileprivate var endsExchange: Bool {
        switch kind {
        case .received, .complete: true
        case .recorded: reasonCode.isError
        case .release: false
        }
    }
}
