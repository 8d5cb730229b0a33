import MQTTCodec
package import NIOCore

/// What must hold for any octets that a peer sends: they are packets or an error, and what was read, written and read
/// again is the same.
package enum PacketDecoderOracle {
    /// Reads `octets` as each side of a connection, in each version of MQTT and before the version is known.
    package static func check(_ octets: ByteBuffer) throws(Disagreement) {
        for role in [PacketDecoder.Role.server, .client] {
            for version in [ProtocolVersion?.none, .v3_1, .v3_1_1, .v5] {
                let decoder = PacketDecoder(role: role, maximumPacketSize: 1 << 20, version: version)
                let packets = try read(octets, with: decoder)
                for (packet, version) in packets { try check(packet, role: role, version: version) }
            }
        }
    }

    package struct Disagreement: Error {
        package let reason: String
    }

    /// Reads all at once, and again in two pieces: both must end alike.
    private static func read(
        _ octets: ByteBuffer,
        with decoder: PacketDecoder
    ) throws(Disagreement) -> [(Packet, ProtocolVersion)] {
        let whole = drain([octets], with: decoder)
        let half = octets.readableBytes / 2
        let pieces = [
            octets.getSlice(at: octets.readerIndex, length: half),
            octets.getSlice(at: octets.readerIndex + half, length: octets.readableBytes - half),
        ]
        let split = drain(pieces.compactMap { $0 }, with: decoder)
        guard
            whole.packets.map(\.0) == split.packets.map(\.0), whole.error == split.error,
            whole.rest == split.rest
        else { throw Disagreement(reason: "the octets yield other packets when they arrive in two pieces") }
        return whole.packets
    }

    private struct Outcome {
        var packets: [(Packet, ProtocolVersion)] = []
        var error: CodecError?
        var rest = ByteBuffer()
    }

    private static func drain(_ pieces: [ByteBuffer], with decoder: PacketDecoder) -> Outcome {
        var decoder = decoder
        var outcome = Outcome()
        for piece in pieces {
            outcome.rest.writeImmutableBuffer(piece)
            guard outcome.error == nil else { continue }
            do throws(CodecError) {
                while let packet = try decoder.next(from: &outcome.rest) {
                    outcome.packets.append((packet, decoder.version ?? .v5))
                }
            } catch {
                outcome.error = error
            }
        }
        return outcome
    }

    private static func check(
        _ packet: Packet,
        role: PacketDecoder.Role,
        version: ProtocolVersion
    ) throws(Disagreement) {
        var written = ByteBuffer()
        let size = written.write(packet, version: version)
        guard size > 0, size == written.readableBytes else {
            throw Disagreement(reason: "cannot be written again: \(packet)")
        }
        guard try readAgain(written, like: packet, role: role, version: version) == packet else {
            throw Disagreement(reason: "is another packet when written and read again: \(packet)")
        }
        if case .publish(let publish) = packet, publish.topic.readableBytes > 0 {
            try check(publish)
        }
    }

    /// What is passed on of a message: the same whether it was kept or not, and readable for clients of each version.
    private static func check(_ publish: Publish) throws(Disagreement) {
        let passing = EncodedPublish(publish)
        let kept = passing.copied()
        for version in ProtocolVersion.allCases {
            var first = ByteBuffer()
            var second = ByteBuffer()
            let size = write(passing, into: &first, version: version)
            _ = write(kept, into: &second, version: version)
            guard first == second, first.readableBytes == size else {
                throw Disagreement(reason: "a kept message is not the same: \(publish)")
            }
            let packet = try readAgain(first, like: .publish(publish), role: .client, version: version)
            guard
                case .publish(let forwarded)? = packet, forwarded.topic == publish.topic,
                forwarded.payload == publish.payload
            else { throw Disagreement(reason: "has another topic or payload when passed on: \(publish)") }
        }
    }

    private static func write(_ message: EncodedPublish, into buffer: inout ByteBuffer, version: ProtocolVersion) -> Int
    {
        message.write(
            into: &buffer,
            version: version,
            qos: .atLeastOnce,
            packetIdentifier: 1,
            retain: true,
            messageExpiryInterval: 1
        )
    }

    private static func readAgain(
        _ octets: ByteBuffer,
        like packet: Packet,
        role: PacketDecoder.Role,
        version: ProtocolVersion
    ) throws(Disagreement) -> Packet? {
        let isConnect = if case .connect = packet { true } else { false }
        var rest = octets
        var decoder = PacketDecoder(role: role, maximumPacketSize: 1 << 21, version: isConnect ? nil : version)
        let again: Packet?
        do throws(CodecError) {
            again = try decoder.next(from: &rest)
        } catch {
            throw Disagreement(reason: "refused when written again (\(error.detail)): \(packet)")
        }
        guard rest.readableBytes == 0 else { throw Disagreement(reason: "octets left over: \(packet)") }
        return again
    }
}
