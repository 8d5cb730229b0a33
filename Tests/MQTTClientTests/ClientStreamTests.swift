import MQTTCodec
import NIOCore
import NIOPosix
import Testing

@testable import MQTTClient

@Suite("A data stream and what carries it")
struct ClientStreamTests {
    /// Notes what it is told.
    private final class Transport: ClientStreamTransport {
        var isWritable = true
        var isReadingPaused = false
        var written = ByteBuffer()
        var codes: [UInt64] = []
        var isLetGo = false

        func write(_ bytes: ByteBuffer) { written.writeImmutableBuffer(bytes) }
        func finish() {}
        func abandon(code: UInt64) { codes.append(code) }
        func letGo() { isLetGo = true }
    }

    private final class Listener: ClientStreamDelegate {
        var closedCount = 0

        func stream(_ stream: ClientStream, received event: ClientEvent) {
            if case .closed = event { closedCount += 1 }
        }

        func streamBecameWritable(_ stream: ClientStream) {}
    }

    /// Sooner the server would take the repetition for a message of the control stream, and hand it on twice.
    @Test("What an abandoned stream leaves goes on once the server has heard of that", arguments: [true, false])
    func abandoned(byConnectionEnd: Bool) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await loop.submit {
            let connection = ClientConnection(
                configuration: ClientConfiguration(connect: Connect(clientIdentifier: "c")),
                target: ConnectionTarget(addresses: []),
                loop: ClientLoop(eventLoop: loop)
            )
            let stream = ClientStream(connection.session.makeStream(), of: connection)
            let (transport, listener) = (Transport(), Listener())
            stream.delegate = listener
            stream.start(transport)
            let message = Publish(
                topic: ByteBuffer(string: "t"),
                payload: ByteBuffer(string: "x"),
                qos: .exactlyOnce
            )
            try stream.publish(message, token: 1, now: .now())
            stream.flush()
            #expect(transport.written.readableBytes > 0)
            #expect(stream.unacknowledged == 1)

            stream.reset(code: 7)
            #expect(transport.codes == [7])
            #expect(listener.closedCount == 1)
            #expect(!stream.isOpen)
            #expect(stream.unacknowledged == 1)
            #expect(connection.session.unacknowledged == 0)

            if byConnectionEnd { stream.connectionEnded(nil) } else { stream.closed() }
            #expect(transport.isLetGo)
            #expect(stream.unacknowledged == 0)
            #expect(connection.session.unacknowledged == 1)
            #expect(listener.closedCount == 1)
        }.get()
    }
}
