import MQTTCodec
import QUICTransport
import Testing

@testable import LoadGenerator

@Suite("Checked options")
struct BenchOptionsTests {
    @Test("The seed's commands")
    func seed() throws {
        let words = ["--quic", "-h", "127.0.0.1", "-p", "14567", "-t", "t/test", "-c", "10"]
        for kind in [LoadKind.sub, .pub] {
            let options = try BenchOptions(kind, words)
            #expect(options.isQUIC)
            #expect(options.hosts == ["127.0.0.1"])
            #expect(options.port == 14567)
            #expect(options.topics == ["t/test"])
            #expect(options.count == 10)
        }
    }

    @Test("Changes of address")
    func migration() throws {
        let words = ["--quic", "-t", "t", "--ifaddr", "127.0.0.2,127.0.0.3"]
        let options = try BenchOptions(.pub, words + ["--migrate-every", "5s", "--congestion", "bbr"])
        #expect(options.migrationInterval == 5_000_000_000)
        #expect(options.migration == .active)
        #expect(options.congestionController == .bbr)
        #expect(try BenchOptions(.pub, words).congestionController == nil)
        let unnoticed = try BenchOptions(.pub, words + ["--migrate-every", "100ms", "--migration", "unnoticed"])
        #expect(unnoticed.migration == .unnoticed)
        #expect(try BenchOptions(.pub, words).migrationInterval == nil)
        #expect(options.ownsSockets)
        #expect(try !BenchOptions(.pub, words).ownsSockets)
        #expect(try BenchOptions(.pub, words + ["--own-sockets"]).ownsSockets)
        #expect(options.usesPreferredAddress)
        #expect(try !BenchOptions(.pub, words + ["--no-preferred-address"]).usesPreferredAddress)
        for wrong in [
            ["-t", "t", "--own-sockets"], ["-t", "t", "--no-preferred-address"],
            ["-t", "t", "--migrate-every", "5s"], ["--quic", "-t", "t", "--migrate-every", "1ms"],
            ["--quic", "-t", "t", "--migrate-every", "5s", "--migration", "sudden"],
            ["--quic", "-t", "t", "--congestion", "vegas"],
        ] {
            #expect(throws: UsageError.self) { try BenchOptions(.pub, wrong) }
        }
    }

    @Test("The peer's defaults")
    func defaults() throws {
        let options = try BenchOptions(.pub, ["-t", "t"])
        #expect(options.hosts == ["localhost"])
        #expect(options.port == 1883)
        #expect(options.version == .v5)
        #expect(options.count == 200)
        #expect(options.connectInterval == 10_000_000)
        #expect(options.keepAlive == 300)
        #expect(options.reconnectDelay == 5_000_000_000)
        #expect(try BenchOptions(.pub, ["-t", "t", "--reconnect-delay", "100"]).reconnectDelay == 100_000_000)
        #expect(options.cleanStart)
        #expect(options.messageInterval == 1_000_000_000)
        #expect(options.size == 256)
        #expect(options.qos == .atMostOnce)
        #expect(options.inflight == 1)
        #expect(!options.isQUIC)
        #expect(options.duration == nil)
    }

    @Test(
        "Command lines seen in the wild",
        arguments: [
            (
                LoadKind.sub,
                "-h H -p 1883 --count 1 --interval 100 --prefix sub2 --clean true --keepalive 80 --topic t/aa --qos 2 --payload-hdrs ts"
            ),
            (
                .pub,
                "-t a --wait-before-publishing true --interval_of_msg 10 --reconnect 0 --count 100 --version 5 --message abc --limit 30000 --payload-hdrs ts"
            ),
            (.pub, "-V 5 -c 300 -I 3 -u u -P p -t /testme -s 512"),
            (.conn, "-c 5000 -R 1000 --ifaddr 127.0.0.2,127.0.0.3 -l"),
        ]
    )
    func wild(kind: LoadKind, words: String) throws {
        _ = try BenchOptions(kind, words.split(separator: " ").map(String.init))
    }

    @Test(
        "Durations",
        arguments: [("10", 10_000_000_000), ("500ms", 500_000_000), ("2m", 120_000_000_000), ("1.5s", 1_500_000_000)]
            as [(String, UInt64)]
    )
    func duration(text: String, nanoseconds: UInt64) throws {
        #expect(try BenchOptions(.conn, ["--duration", text]).duration == nanoseconds)
    }

    @Test("A rate takes the place of an interval")
    func rate() throws {
        #expect(try BenchOptions(.conn, ["-R", "5000"]).connectInterval == 200_000)
        #expect(try BenchOptions(.conn, ["-i", "0"]).connectInterval == 0)
    }

    @Test(
        "Mistakes",
        arguments: [
            (LoadKind.pub, [], "'topic' required"),
            (.sub, ["-t", ""], "'topic' required"),
            (.pub, ["-t", "a/#"], "a topic to publish to must not contain + or #"),
            (.conn, ["-p", "70000"], "bad value '70000' for --port: 1 to 65535"),
            (.conn, ["-V", "6"], "bad value '6' for --version: 3 to 5"),
            (.conn, ["-c", "0"], "bad value '0' for --count: 1 to 1000000"),
            (.sub, ["-t", "a", "-q", "3"], "bad value '3' for --qos: 0 to 2"),
            (.sub, ["-t", "a", "--payload-hdrs", "ts,crc"], "bad value 'crc' for --payload-hdrs: cnt64, ts or ts_us"),
            (
                .conn, ["--quic", "perhaps"],
                "bad value 'perhaps' for --quic: true, false, or a file of options whose name ends in .eterm"
            ),
            (.conn, ["--log_to", "file"], "bad value 'file' for --log_to: console or null"),
            (.conn, ["--duration", "soon"], "bad value 'soon' for --duration: a time such as 10, 500ms, 2m"),
            (.conn, ["-h", ","], "bad value ',' for --host: an address, or a comma list"),
            (.conn, ["--ws"], "--ws: WebSocket is not in this version"),
            (.conn, ["--qoe", "true"], "--qoe: measuring quality of experience is not in this version"),
            (.conn, ["--prometheus"], "--prometheus: a Prometheus endpoint is not in this version"),
            (.pub, ["-t", "a", "--streams", "2"], "--streams: only QUIC has streams"),
            (
                .pub, ["--quic", "--topics-payload", "f", "--streams", "2"],
                "--streams and --topics-payload: the file says which topic goes over which stream"
            ),
            (.sub, ["--topics-payload", "f"], "unknown option '--topics-payload'"),
        ] as [(LoadKind, [String], String)]
    )
    func mistake(kind: LoadKind, words: [String], text: String) {
        #expect(throws: UsageError(text)) { try BenchOptions(kind, words) }
    }

    @Test(
        "Files that clients need: one each, unless they share sockets",
        arguments: [
            (LoadKind.conn, [], 5), (.conn, ["--ssl"], 5), (.conn, ["--quic"], nil),
            (.conn, ["--quic", "--own-sockets"], 5), (.conn, ["--quic", "--migrate-every", "1s"], 5), (.pair, [], 10),
            (.pair, ["--quic"], nil),
        ] as [(LoadKind, [String], Int?)]
    )
    func descriptors(kind: LoadKind, words: [String], expected: Int?) throws {
        #expect(LoadGenerator.descriptors(try BenchOptions(kind, ["-c", "5"] + words)) == expected)
    }
}
