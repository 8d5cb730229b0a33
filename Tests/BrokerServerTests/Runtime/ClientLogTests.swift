import Logging
import MQTTBroker
import MQTTCodec
import NIOCore
import NIOPosix
import Testing

@testable import BrokerServer

@Suite(.timeLimit(.minutes(10))) struct ClientLogTests {
    private final class Transport: ConnectionTransport {
        func write(_ output: Output) {}
        func close(_ reason: ReasonCode?) {}
        func setReadingPaused(_ isPaused: Bool) {}
    }

    /// What a loop with one shard logs of what `body` lets clients do, and of the window's end.
    private func lines(
        level: Logger.Level,
        _ body: @escaping @Sendable (ShardRunner) throws -> Void
    ) async throws -> [LogRecorder.Line] {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let recorder = LogRecorder()
        let runner = try await loop.submit {
            let shard = Shard(index: 0, count: 1, random: SystemRandomNumberGenerator())
            let runner = ShardRunner(shard: shard, eventLoop: loop, log: ClientLog(recorder.logger(level: level)))
            try body(runner)
            return NIOLoopBound(runner, eventLoop: loop)
        }.get()
        // The end of the tick comes between.
        try await loop.submit {
            runner.value.endLogWindow()
            runner.value.dissolve()
        }.get()
        return recorder.lines
    }

    private static func open(_ runner: ShardRunner, _ octets: ByteBuffer) throws -> Connection {
        let peer = Peer(address: try SocketAddress(ipAddress: "192.0.2.1", port: 5), listener: "tcp:default")
        let connection = runner.accept(Transport(), from: peer)
        runner.receive(octets, on: connection)
        return connection
    }

    private static let malformed = ByteBuffer(bytes: [0, 0])

    @Test("A client that comes and goes takes two lines at info, without its password and with its name escaped")
    func comeAndGo() async throws {
        let lines = try await lines(level: .info) { runner in
            var octets = ByteBuffer()
            octets.write(
                .connect(
                    Connect(
                        version: .v5,
                        clientIdentifier: "a\nb",
                        userName: "u v",
                        password: ByteBuffer(string: "secret")
                    )
                ),
                version: .v5
            )
            octets.write(.disconnect(Disconnect()), version: .v5)
            _ = try Self.open(runner, octets)
        }
        #expect(lines.map(\.message) == ["client_connected", "client_disconnected"])
        #expect(lines.map(\.level) == [.info, .info])
        let connected: Logger.Metadata = [
            "clientid": #""a\u{a}b""#, "username": #""u v""#, "peername": "192.0.2.1:5", "listener": "tcp:default",
        ]
        #expect(lines.first?.metadata == connected)
        #expect(lines.last?.metadata["reason"] == "normal")
        #expect(!"\(lines)".contains("secret"))
    }

    @Test(
        "Of what clients can do at any rate one line a window is written, and then how many were not",
        arguments: [1, 5]
    )
    func throttled(count: Int) async throws {
        let lines = try await lines(level: .warning) { runner in
            for _ in 1...count { _ = try Self.open(runner, Self.malformed) }
        }
        #expect(lines.first?.message == "frame_parse_failed")
        #expect(lines.first?.metadata["peername"] == "192.0.2.1:5")
        #expect(lines.first?.metadata["reason"] == "malformed_packet")
        #expect(lines.count == min(count, 2))
        guard count > 1 else { return }
        #expect(lines.last?.message == "log_events_throttled_during_last_period")
        #expect(lines.last?.metadata == ["frame_parse_failed": "4", "period": "60s"])
    }

    @Test("At debug each line is written") func debug() async throws {
        let lines = try await lines(level: .debug) { runner in
            for _ in 1...3 { _ = try Self.open(runner, Self.malformed) }
        }
        #expect(lines.count { $0.message == "frame_parse_failed" } == 3)
        #expect(lines.count { $0.message == "client_refused" } == 3)
        #expect(lines.count == 6)
    }

    @Test("At error nothing is written of clients") func error() async throws {
        let lines = try await lines(level: .error) { runner in _ = try Self.open(runner, Self.malformed) }
        #expect(lines.isEmpty)
    }

    @Test("Each level wants the kinds that it lets through") func levels() {
        let repetitive = ShardEvent.Kinds(ShardEvent.Kind.allCases.filter(\.isRepetitive))
        let all = ShardEvent.Kinds(ShardEvent.Kind.allCases)
        for (level, wanted, once) in [
            (.error, [], repetitive), (.warning, repetitive, repetitive), (.info, all, repetitive), (.debug, all, []),
        ] as [(Logger.Level, ShardEvent.Kinds, ShardEvent.Kinds)] {
            let log = ClientLog(LogRecorder().logger(level: level))
            #expect(log.wanted == wanted)
            #expect(log.once == once)
        }
    }
}
