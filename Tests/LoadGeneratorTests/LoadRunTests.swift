import Foundation
import MosquittoFixture
import Synchronization
import Testing

@testable import LoadGenerator

@Suite("Loads against an outside broker")
struct LoadRunTests {
    enum Transport: CaseIterable, Sendable { case tcp, quic }

    /// Collects what a run says.
    private final class Console: Sendable {
        private let text = Mutex<[String]>([])
        var lines: [String] { text.withLock { $0 } }

        var output: BenchOutput {
            BenchOutput { line in
                self.text.withLock { $0.append(line) }
            } note: { _ in
            }
        }

        func contains(_ part: String) -> Bool { lines.contains { $0.contains(part) } }
    }

    private func run(
        _ kind: LoadKind,
        _ broker: Mosquitto,
        _ transport: Transport,
        _ words: [String],
        _ console: Console = Console()
    ) async throws -> LoadGenerator.Outcome {
        let address =
            switch transport {
            case .tcp: ["-h", "127.0.0.1", "-p", "\(broker.port)"]
            case .quic: ["--quic", "-h", "127.0.0.1", "-p", "\(broker.quicPort)"]
            }
        let options = try BenchOptions(kind, address + words)
        return try await LoadGenerator.run(options, output: console.output, interrupts: AsyncStream { _ in })
    }

    /// Interrupts a run once it has said something.
    private func run(_ options: BenchOptions, until text: String, _ console: Console) async throws
        -> LoadGenerator.Outcome
    {
        let (interrupts, source) = AsyncStream.makeStream(of: Void.self)
        async let outcome = LoadGenerator.run(options, output: console.output, interrupts: interrupts)
        while !console.contains(text) { try await Task.sleep(for: .milliseconds(50)) }
        source.yield()
        return try await outcome
    }

    @Test(
        "Ten subscribers have each message of a limited load",
        arguments: Transport.allCases,
        ["0", "1", "2"]
    )
    func publishAndSubscribe(transport: Transport, qos: String) async throws {
        try await Mosquitto.with { broker in
            let received = Console()
            let sent = Console()
            let words = ["-t", "t/test", "-q", qos, "--payload-hdrs", "cnt64,ts_us", "-i", "0"]
            async let subscribers = run(
                .sub,
                broker,
                transport,
                words + ["-c", "10", "-L", "500", "--duration", "120"],
                received
            )
            while !received.contains(" sub total=10") { try await Task.sleep(for: .milliseconds(50)) }
            let publisher = try await run(.pub, broker, transport, words + ["-c", "1", "-I", "1", "-L", "50"], sent)
            #expect(publisher == .done)
            let subscriber = try await subscribers
            #expect(subscriber == .done)
            #expect(sent.lines.first == "Start with 1 workers, addrs pool size: 1 and req interval: 0 ms \n")
            #expect(sent.contains("publish complete"))
            #expect(sent.contains("pub total=50 "))
            #expect(received.contains("recv total=500 "))
        }
    }

    @Test("Clients that change their address lose nothing", arguments: ["active", "unnoticed"])
    func migrating(how: String) async throws {
        try await Mosquitto.with { broker in
            let console = Console()
            let words = [
                "-t", "t/%i", "-c", "4", "-I", "5", "-L", "1200", "-i", "0", "-q", "1", "--migrate-every", "200ms",
                "--migration", how, "--ifaddr", "127.0.0.1,127.0.0.2",
            ]
            let outcome = try await run(.pub, broker, .quic, words, console)
            #expect(outcome == .done)
            #expect(console.contains("pub_nosub total=1200 ") || console.contains("pub_succ total=1200 "))
            #expect(console.contains("migrate_succ "))
        }
    }

    @Test("A file of topics: each at its interval, all of them within the limit", arguments: Transport.allCases)
    func topics(transport: Transport) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "topics-\(UUID().uuidString).json").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let topics = [(name: "a/%i", interval: 1, qos: 1), ("b/%i", 2, 0), ("c/%c", 4, 2)].map { topic in
            """
            {"name": "\(topic.name)", "interval_ms": "\(topic.interval)", "inject_timestamp": "ms", "QoS": \(topic.qos),
             "payload_encoding": "json", "payload": {"a": 1}, "stream": 0, "stream_priority": 1}
            """
        }
        try "{\"topics\": [\(topics.joined(separator: ","))]}".write(toFile: path, atomically: true, encoding: .utf8)
        try await Mosquitto.with { broker in
            let received = Console()
            let sent = Console()
            async let subscriber = run(
                .sub,
                broker,
                transport,
                ["-t", "#", "-q", "2", "-c", "1", "-L", "200", "--duration", "120"],
                received
            )
            while !received.contains(" sub total=1") { try await Task.sleep(for: .milliseconds(50)) }
            for waits in [false, true] {
                let words = ["--topics-payload", path, "-c", "2", "-i", "0", "-L", "100", "-w", "\(waits)"]
                let publisher = try await run(.pub, broker, transport, words, sent)
                #expect(publisher == .done)
            }
            #expect(try await subscriber == .done)
            #expect(sent.contains("pub total=100 "))
            #expect(received.contains("recv total=200 "))
        }
    }

    @Test("As fast as possible, and nothing is lost at the end", arguments: Transport.allCases)
    func fast(transport: Transport) async throws {
        try await Mosquitto.with { broker in
            let console = Console()
            let words = [
                "-t", "t/%i", "-c", "4", "-I", "0", "-L", "20000", "-i", "0", "-s", "16", "-q", "1", "-F", "50",
            ]
            let outcome = try await run(.pub, broker, transport, words, console)
            #expect(outcome == .done)
            #expect(console.contains("pub total=20000 "))
        }
    }

    @Test("As fast as possible, and every topic has its share", arguments: Transport.allCases, ["0", "1"])
    func shares(transport: Transport, qos: String) async throws {
        try await Mosquitto.with { broker in
            let received = Console()
            async let subscriber = run(
                .sub,
                broker,
                transport,
                ["-t", "b", "-q", "1", "-c", "1", "-L", "100", "--duration", "120"],
                received
            )
            while !received.contains(" sub total=1") { try await Task.sleep(for: .milliseconds(50)) }
            let words = ["-t", "a", "-t", "b", "-c", "1", "-I", "0", "-L", "200", "-q", qos]
            #expect(try await run(.pub, broker, transport, words) == .done)
            #expect(try await subscriber == .done)
        }
    }

    @Test("The messages under way of a client are those of all its streams")
    func inflight() async throws {
        let broker = try await SilentBroker()
        let console = Console()
        let topics = (1...8).flatMap { ["-t", "t/\($0)"] }
        let words = ["--quic", "-h", "127.0.0.1", "-p", "\(broker.port)", "-c", "1", "--streams", "8", "-q", "1"]
        let options = try BenchOptions(.pub, words + topics + ["-I", "0", "-F", "3"])
        let outcome = try await run(options, until: " pub total=3 ", console)
        await broker.stop()
        #expect(outcome == .incomplete)
        #expect(console.contains("NOT AS ASKED    3 messages were not acknowledged"))
    }

    @Test("The counter of a publisher goes on over all its topics", arguments: Transport.allCases)
    func counter(transport: Transport) async throws {
        try await Mosquitto.with { broker in
            let received = Console()
            let words = ["-t", "a", "-t", "b", "-c", "1", "-L", "100", "-q", "1", "--payload-hdrs", "cnt64"]
            async let subscriber = run(.sub, broker, transport, words + ["--duration", "120"], received)
            while !received.contains(" sub total=1") { try await Task.sleep(for: .milliseconds(50)) }
            #expect(try await run(.pub, broker, transport, words + ["-I", "1"]) == .done)
            #expect(try await subscriber == .done)
        }
    }

    @Test("A closed loop delivers", arguments: Transport.allCases, [LoadKind.pair, .fanout])
    func closedLoop(transport: Transport, kind: LoadKind) async throws {
        try await Mosquitto.with { broker in
            let console = Console()
            let words = ["-c", "3", "--window", "4", "-q", "1", "--duration", "1s", "--warm-up", "100ms"]
            let outcome = try await run(kind, broker, transport, words, console)
            #expect(outcome == .done)
            #expect(console.contains("delivered/s"))
        }
    }

    @Test("All clients wait for each other before they publish")
    func waiting() async throws {
        try await Mosquitto.with { broker in
            let console = Console()
            let words = ["-t", "t", "-c", "3", "-w", "-L", "3", "-i", "1", "-q", "1"]
            let outcome = try await run(.pub, broker, .tcp, words, console)
            #expect(outcome == .done)
            #expect(
                console.lines.contains { $0.hasPrefix("Collected ") && $0.hasSuffix("'go' signals, start publishing") }
            )
        }
    }

    @Test("Results as JSON")
    func json() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString).json").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await Mosquitto.with { broker in
            let words = ["-h", "127.0.0.1", "-p", "\(broker.port)", "-c", "3", "-i", "0", "--json", path]
            _ = try await run(try BenchOptions(.conn, words), until: "connect_succ total=3", Console())
            let data = try Data(contentsOf: URL(filePath: path))
            let document = try JSONDecoder().decode(LoadReport.Document.self, from: data)
            #expect(document.command == "conn")
            #expect(document.counters["connect_succ"] == 3)
            #expect(document.latencies["connect"]?.count == 3)
        }
    }

    @Test("A second run resumes with the tickets of the first (--load-qst)")
    func tickets() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString).qst").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await Mosquitto.with { broker in
            let words = [
                "--quic", "-h", "127.0.0.1", "-p", "\(broker.quicPort)", "-c", "3", "-i", "0", "--prefix", "car",
                "--shortids",
                "--load-qst", path,
            ]
            let options = try BenchOptions(.conn, words)
            let (first, second) = (Console(), Console())
            #expect(try await run(options, until: "connect_succ total=3", first) == .done)
            #expect(!first.contains("connect_early"))
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber
            #expect(mode?.intValue == 0o600)
            let file = try TicketFile(path: path)
            #expect(Set(file.tickets.keys.map(\.client)) == ["car1", "car2", "car3"])
            #expect(try await run(options, until: "connect_succ total=3", second) == .done)
            #expect(second.contains("connect_early total=3 "))
            // Those of the second run are there for a third.
            #expect(try TicketFile(path: path).tickets.values.allSatisfy { !file.tickets.values.contains($0) })
        }
    }

    @Test("A broker that does not answer makes the run fail, in TCP's own words")
    func nobodyThere() async throws {
        let port = try Mosquitto.freePort()
        let console = Console()
        let options = try BenchOptions(
            .conn,
            ["-h", "127.0.0.1", "-p", "\(port)", "-c", "2", "-i", "0", "--num-retry-connect", "1"]
        )
        let outcome = try await LoadGenerator.run(options, output: console.output, interrupts: AsyncStream { _ in })
        #expect(outcome == .incomplete)
        #expect(console.lines.contains("client(1): connect error - connection refused"))
        #expect(console.contains("connect_fail total=2 "))
        #expect(console.contains("connect_retried total=2 "))
    }

    @Test("A run whose broker goes away is not as asked", arguments: Transport.allCases)
    func lost(transport: Transport) async throws {
        let console = Console()
        let load = try await Mosquitto.with { broker in
            let load = Task {
                try await run(.conn, broker, transport, ["-c", "3", "-i", "0", "--duration", "60s"], console)
            }
            while !console.contains("connect_succ total=3") { try await Task.sleep(for: .milliseconds(50)) }
            return load
        }
        #expect(try await load.value == .incomplete)
        #expect(console.contains("NOT AS ASKED    3 clients lost their connection"))
        #expect(console.contains("of the 60 s that were asked for"))
    }

    @Test("An interrupt ends a run in order, with its summary")
    func interrupt() async throws {
        try await Mosquitto.with { broker in
            let console = Console()
            let options = try BenchOptions(.conn, ["-h", "127.0.0.1", "-p", "\(broker.port)", "-c", "2", "-i", "0"])
            #expect(try await run(options, until: "connect_succ total=2", console) == .done)
            #expect(console.contains("2 of 2"))
        }
    }

    @Test("A client that was lost connects again, and its session goes on")
    func reconnect() async throws {
        try await Mosquitto.with { broker in
            let console = Console()
            let words = [
                "-h", "127.0.0.1", "-p", "\(broker.port)", "-t", "t", "-c", "1", "--prefix", "p", "-C", "false",
            ]
            let options = try BenchOptions(.sub, words + ["-x", "60", "--reconnect", "1"])
            let (interrupts, source) = AsyncStream.makeStream(of: Void.self)
            async let outcome = LoadGenerator.run(options, output: console.output, interrupts: interrupts)
            while !console.contains(" sub total=1") { try await Task.sleep(for: .milliseconds(50)) }
            // The same identifier takes the session over, and gives it back by ending.
            let other = try BenchOptions(
                .sub,
                ["-h", "127.0.0.1", "-p", "\(broker.port)", "-t", "t", "-c", "1", "--prefix", "p"]
            )
            _ = try await run(other, until: " sub total=1", Console())
            while !console.contains("reconnect_succ total=1") { try await Task.sleep(for: .milliseconds(50)) }
            source.yield()
            _ = try await outcome
            #expect(console.contains("client(1): disconnected with reason"))
        }
    }
}
