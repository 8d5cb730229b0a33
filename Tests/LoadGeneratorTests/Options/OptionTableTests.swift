import Testing

@testable import LoadGenerator

@Suite("The command line's rules")
struct OptionTableTests {
    private let table = OptionTable(options: [
        .init("count", "c", .integer, initial: "200", ""),
        .init("qos", "q", .integer, initial: "0", ""),
        .init("clean", "C", .flag, initial: "true", ""),
        .init("shortids", nil, .flag, initial: "false", ""),
        .init("retain", "r", .flag, ""),
        .init("host", "h", .string, initial: "localhost", ""),
        .init("port", "p", .integer, ""),
        .init("topic", "t", .string, repeats: true, ""),
        .init("message", "m", .string, ""),
        .init("interval_of_msg", "I", .milliseconds, initial: "1000", ""),
        .init("quic", nil, .quic, initial: "false", ""),
        .init("ssl", "S", .flag, missing: "TLS", ""),
    ])

    @Test(
        "Values",
        arguments: [
            (["-c", "10"], "count", ["10"]),
            (["-c10"], "count", ["10"]),
            (["--count=10"], "count", ["10"]),
            (["--count", "10"], "count", ["10"]),
            ([], "count", ["200"]),
            (["-c", "1", "-c", "2"], "count", ["1"]),
            (["-q"], "qos", ["1"]),
            (["-q", "-c", "3"], "qos", ["1"]),
            (["-C"], "clean", ["true"]),
            (["-C", "false"], "clean", ["false"]),
            (["-C", "OFF"], "clean", ["false"]),
            (["-Cno"], "clean", ["false"]),
            (["--clean", "0"], "clean", ["false"]),
            (["--clean=n"], "clean", ["false"]),
            (["--clean", "-c", "3"], "clean", ["true"]),
            (["--shortids"], "shortids", ["true"]),
            (["-rCq2"], "qos", ["2"]),
            (["-rCq2"], "clean", ["true"]),
            (["-qr"], "qos", ["1"]),
            (["-qr"], "retain", ["true"]),
            (["-h", "--quic"], "host", ["--quic"]),
            (["-t", "a", "--topic", "b", "-tc"], "topic", ["a", "b", "c"]),
            (["-m", ""], "message", [""]),
            (["--interval_of_msg", "5"], "interval_of_msg", ["5"]),
            (["--interval-of-msg=0.5"], "interval_of_msg", ["0.5"]),
            (["--quic", "true"], "quic", ["true"]),
            (["--quic", "false"], "quic", ["false"]),
            (["--quic", "o.eterm"], "quic", ["o.eterm"]),
            (["--quic"], "quic", ["true"]),
            (["--quic", "-h", "127.0.0.1"], "quic", ["true"]),
            (["--quic", "-h", "127.0.0.1"], "host", ["127.0.0.1"]),
        ] as [([String], String, [String])]
    )
    func value(arguments: [String], name: String, expected: [String]) throws {
        #expect(try table.parse(arguments).all(name) == expected)
    }

    @Test(
        "Mistakes",
        arguments: [
            (["--nonsense"], "unknown option '--nonsense'"),
            (["-z"], "unknown option '-z'"),
            (["stray"], "unexpected word 'stray'"),
            (["-m"], "--message needs a value"),
            (["--count=ten"], "bad value 'ten' for --count: a whole number"),
            (["--clean=maybe"], "bad value 'maybe' for --clean: true or false"),
            (["-S"], "--ssl: TLS is not in this version"),
        ] as [([String], String)]
    )
    func mistake(arguments: [String], text: String) {
        #expect(throws: UsageError(text)) { try table.parse(arguments) }
    }

    @Test("What is off is not missing")
    func offSwitch() throws {
        #expect(try table.parse(["--ssl", "false"]).flag("ssl") == false)
    }

    @Test("Every command has help with an example, and its example is a command line", arguments: LoadKind.allCases)
    func help(kind: LoadKind) throws {
        #expect(kind.help.contains("Example: \(kind.example)"))
        let words = kind.example.split(separator: " ").map(String.init)
        #expect(words.prefix(3) == ["martlet", "bench", kind.rawValue])
        _ = try BenchOptions(kind, Array(words.dropFirst(3)))
    }
}
