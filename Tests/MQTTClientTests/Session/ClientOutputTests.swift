import MQTTCodec
import NIOCore
import Testing

@testable import MQTTClient

@Suite("What a session has written")
struct ClientOutputTests {
    private let large = Publish(
        topic: ByteBuffer(string: "large"),
        payload: ByteBuffer(repeating: 7, count: ClientOutput.referenceThreshold),
        qos: .atLeastOnce,
        packetIdentifier: 9
    )

    private func address(_ buffer: ByteBuffer) -> UInt {
        buffer.withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
    }

    @Test(
        "Pieces, in order, are what one buffer would hold",
        arguments: [ProtocolVersion.v3_1_1, .v5],
        [1000, 50_000, .max]
    )
    func pieces(version: ProtocolVersion, limit: Int) {
        var (output, expected) = (ClientOutput(), ByteBuffer())
        output.write(.pingRequest, version: version)
        expected.write(.pingRequest, version: version)
        for _ in 0..<2 {
            output.write(large, version: version)
            expected.write(.publish(large), version: version)
        }
        output.write(.pingRequest, version: version)
        expected.write(.pingRequest, version: version)
        #expect(output.readableBytes == expected.readableBytes)
        var written = ByteBuffer()
        while output.readableBytes > 0 {
            let (before, piece) = (output.readableBytes, output.takePiece(limit))
            #expect((1...limit).contains(piece.readableBytes))
            #expect(output.readableBytes == before - piece.readableBytes)
            written.writeImmutableBuffer(piece)
        }
        #expect(written == expected)
        #expect(!output.hasParts)
    }

    @Test("A large payload is not copied, a small one is")
    func reference() {
        var output = ClientOutput()
        output.write(large, version: .v5)
        #expect(output.hasParts)
        _ = output.takePiece(.max)
        #expect(address(output.takePiece(100)) == address(large.payload))
        output.clear()
        var small = large
        small.payload = large.payload.getSlice(at: 0, length: ClientOutput.referenceThreshold - 1) ?? ByteBuffer()
        output.write(small, version: .v5)
        #expect(!output.hasParts)
        #expect(output.readableBytes > small.payload.readableBytes)
    }

    @Test("A message that no packet can hold leaves nothing")
    func inexpressible() {
        var output = ClientOutput()
        var message = large
        message.topic = ByteBuffer(repeating: UInt8(ascii: "t"), count: 65_536)
        output.write(message, version: .v5)
        #expect(output.readableBytes == 0)
    }
}
