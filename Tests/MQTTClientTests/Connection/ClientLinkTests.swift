import MQTTCodec
import NIOCore
import NIOPosix
import Testing

@testable import MQTTClient

@Suite("A link and its transport")
struct ClientLinkTests {
    /// Notes what it is told.
    private final class Transport: DataStreamTransport {
        var isWritable = true
        var isReadingPaused = false
        /// Octets written.
        var count = 0
        var codes: [UInt64] = []
        var isDetached = false

        func write(_ bytes: ByteBuffer) { count += bytes.readableBytes }
        func finish() {}
        func abandon(code: UInt64) { codes.append(code) }
        func detach() { isDetached = true }
    }

    private final class Listener: ClientLinkDelegate {
        var closedCount = 0
        var writableCount = 0

        func link(_ link: ClientLink, received event: ClientEvent) {
            if case .closed = event { closedCount += 1 }
        }

        func linkBecameWritable(_ link: ClientLink) { writableCount += 1 }
    }

    private static func connection(_ loop: any EventLoop) -> ClientConnection {
        ClientConnection(
            configuration: ClientConfiguration(connect: Connect(clientIdentifier: "c")),
            target: ConnectionTarget(addresses: []),
            loop: ClientLoop(eventLoop: loop)
        )
    }

    private static func stream(
        _ number: UInt64,
        of connection: ClientConnection,
        _ transport: Transport,
        _ listener: Listener
    ) -> ClientLink {
        let id = ClientStreamID(number: number)
        let link = ClientLink(connection.control.session.makeStream(), id: id, loop: connection.loop)
        link.delegate = listener
        link.open(transport, of: connection)
        return link
    }

    @Test("A large message is sent a piece a tick, so that small ones on other streams pass between")
    func pieces() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await loop.submit {
            let connection = Self.connection(loop)
            let (slow, quick, listener) = (Transport(), Transport(), Listener())
            let large = Self.stream(1, of: connection, slow, listener)
            let small = Self.stream(2, of: connection, quick, listener)
            var message = Publish("large", "", .atMostOnce)
            message.payload = ByteBuffer(repeating: 1, count: 100_000_000)
            try large.publish(message, now: .now())
            try large.publish(Publish("last", "behind it", .atMostOnce), now: .now())
            let total = large.session.output.readableBytes

            large.flush()
            #expect(slow.count == ClientLink.pieceSize)
            #expect(!large.isWritable)
            try small.publish(Publish("small", "x", .atMostOnce), now: .now())
            small.flush()
            #expect(quick.count > 0 && small.session.output.readableBytes == 0)

            slow.isWritable = false
            large.flush()
            #expect(slow.count == ClientLink.pieceSize, "the transport takes no more")
            #expect(!large.isDirty, "and the link waits for the transport instead of trying again in each tick")
            slow.isWritable = true
            large.becameWritable()
            #expect(large.isDirty)
            var ticks = 1
            while large.session.output.readableBytes > 0 {
                large.flush()
                ticks += 1
            }
            #expect(slow.count == total && ticks >= total / ClientLink.pieceSize)
            #expect(listener.writableCount == 1 && large.isWritable)

            try large.publish(message, now: .now())
            large.finish()
            #expect(
                slow.count > 2 * message.payload.readableBytes,
                "all that was written precedes the end of the stream"
            )
        }.get()
    }

    /// Sooner the server would take the repetition for a message of the control stream, and hand it on twice.
    @Test("What an abandoned stream leaves goes on once the server has heard of that", arguments: [true, false])
    func abandoned(byConnectionEnd: Bool) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await loop.submit {
            let connection = Self.connection(loop)
            let (transport, listener) = (Transport(), Listener())
            let stream = Self.stream(1, of: connection, transport, listener)
            let message = Publish(
                topic: ByteBuffer(string: "t"),
                payload: ByteBuffer(string: "x"),
                qos: .exactlyOnce
            )
            try stream.publish(message, token: 1, now: .now())
            stream.flush()
            #expect(transport.count > 0)
            #expect(stream.unacknowledged == 1)

            stream.reset(code: 7)
            #expect(transport.codes == [7])
            #expect(listener.closedCount == 1)
            #expect(!stream.isOpen)
            #expect(stream.unacknowledged == 1)
            #expect(connection.control.unacknowledged == 0)

            if byConnectionEnd { stream.connectionEnded(nil) } else { stream.streamClosed() }
            #expect(transport.isDetached)
            #expect(stream.unacknowledged == 0)
            #expect(connection.control.unacknowledged == 1)
            #expect(listener.closedCount == 1)
        }.get()
    }
}
