import MQTTCodec
import NIOCore
import Testing

/// What is written reads the same, whole, in any pieces and one packet behind the other.
@Suite struct RoundTripTests {
    @Test(arguments: ProtocolVersion.allCases)
    func readsWhatWasWritten(version: ProtocolVersion) throws {
        for seed in 0..<200 {
            var generator = PacketGenerator(seed: UInt64(seed), version: version)
            try check([.connect(generator.connect())], reader: .server, version: nil, writing: version)
            let fromClient = (0..<3).map { _ in generator.forServer() }
            try check(fromClient, reader: .server, version: version, writing: version)
            let fromServer = (0..<3).map { _ in generator.forClient() }
            try check(fromServer, reader: .client, version: version, writing: version)
        }
    }

    private func check(
        _ packets: [Packet],
        reader: PacketDecoder.Role,
        version: ProtocolVersion?,
        writing: ProtocolVersion
    ) throws {
        var buffer = ByteBuffer()
        for packet in packets {
            let before = buffer.readableBytes
            #expect(buffer.write(packet, version: writing) == buffer.readableBytes - before)
        }
        var decoder = PacketDecoder(role: reader, maximumPacketSize: 1 << 20, version: version)
        for packet in packets {
            #expect(try decoder.next(from: &buffer) == packet)
        }
        #expect(try decoder.next(from: &buffer) == nil)
        #expect(buffer.readableBytes == 0)
    }

    @Test(arguments: ProtocolVersion.allCases)
    func readsOctetByOctet(version: ProtocolVersion) throws {
        for seed in 0..<25 {
            let (packets, all) = stream(seed: UInt64(seed), version: version, longest: 1_000)
            var decoder = PacketDecoder(role: .server, maximumPacketSize: 1 << 20)
            var arrived = ByteBuffer()
            var read: [Packet] = []
            for octet in all.readableBytesView {
                arrived.writeInteger(octet)
                let start = arrived.readerIndex
                if let packet = try decoder.next(from: &arrived) {
                    read.append(packet)
                    #expect(arrived.readableBytes == 0)
                } else {
                    #expect(arrived.readerIndex == start)
                }
            }
            #expect(read == packets)
        }
    }

    @Test(arguments: ProtocolVersion.allCases)
    func readsAnySplit(version: ProtocolVersion) throws {
        for seed in 100..<105 {
            let (packets, all) = stream(seed: UInt64(seed), version: version, longest: 500)
            for split in 0...all.readableBytes {
                var decoder = PacketDecoder(role: .server, maximumPacketSize: 1 << 20)
                var rest = all
                guard var arrived = rest.readSlice(length: split) else { return }
                var read: [Packet] = []
                while let packet = try decoder.next(from: &arrived) { read.append(packet) }
                arrived.writeBuffer(&rest)
                while let packet = try decoder.next(from: &arrived) { read.append(packet) }
                #expect(read == packets)
                #expect(arrived.readableBytes == 0)
            }
        }
    }

    /// A CONNECT and a few packets behind it, as a client sends them.
    private func stream(seed: UInt64, version: ProtocolVersion, longest: Int) -> ([Packet], ByteBuffer) {
        var generator = PacketGenerator(seed: seed, version: version)
        var packets: [Packet] = []
        var all = ByteBuffer()
        while packets.count < 4 {
            let packet = packets.isEmpty ? .connect(generator.connect()) : generator.forServer()
            var one = ByteBuffer()
            guard one.write(packet, version: version) <= longest else { continue }
            packets.append(packet)
            all.writeBuffer(&one)
        }
        return (packets, all)
    }
}
