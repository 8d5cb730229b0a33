/// The options of `martlet bench`, with the names, letters and defaults of emqtt_bench.
extension OptionTable {
    private static let tls = "a choice of certificates and algorithms for TLS"
    private static let webSocket = "WebSocket"
    private static let experience = "measuring quality of experience"
    private static let prometheus = "a Prometheus endpoint"

    private static let quic = Option(
        "quic",
        nil,
        .quic,
        initial: "false",
        "QUIC instead of TCP, with the options of a FILE.eterm if there is one; certificates are not verified otherwise"
    )

    static let connecting: [Option] = [
        Option("help", nil, .flag, "show this"),
        Option("dist", "d", .flag, "accepted and ignored"),
        Option("host", "h", .string, initial: "localhost", "host, or a comma list used in turn"),
        Option("port", "p", .integer, initial: "1883", "port"),
        Option("version", "V", .integer, initial: "5", "MQTT version: 3, 4 or 5"),
        Option("count", "c", .integer, initial: "200", "clients"),
        Option("connrate", "R", .integer, initial: "0", "connects per second; 0: see --interval"),
        Option("interval", "i", .milliseconds, initial: "10", "time between connects; 0: as fast as possible"),
        Option("ifaddr", nil, .string, "local address, or a comma list used in turn"),
        Option("prefix", nil, .string, "prefix of client identifiers"),
        Option("shortids", nil, .flag, initial: "false", "client identifiers are PREFIX and number"),
        Option("startnumber", "n", .integer, initial: "0", "number before the first client's"),
        Option("num-retry-connect", nil, .integer, initial: "0", "retries of a failed first connect"),
        Option(
            "connect-timeout",
            nil,
            .integer,
            initial: "30",
            "seconds that a client waits for CONNACK before it gives up"
        ),
        Option("reconnect", nil, .integer, initial: "0", "times that a client connects again after a loss"),
        Option(
            "reconnect-delay",
            nil,
            .milliseconds,
            initial: "5000",
            "time from a loss until a client connects again"
        ),
        quic,
        Option(
            "own-sockets",
            nil,
            .flag,
            initial: "false",
            "a UDP socket for each client, as for one on a device of its own; with --quic"
        ),
        Option("migrate-every", nil, .string, "change each client's address so often: 500ms, 5s; with --quic"),
        Option(
            "migration",
            nil,
            .string,
            initial: "active",
            "how: active, or unnoticed as when a NAT gives another address"
        ),
        Option(
            "no-preferred-address",
            nil,
            .flag,
            initial: "false",
            "stay at the broker's address, also if it has another one for its clients to go on at; with --quic"
        ),
        Option("congestion", nil, .string, "congestion control with --quic: cubic, reno or bbr [cubic]"),
        Option("username", "u", .string, "user name; %i and %rand_N are replaced where they are all of it"),
        Option("password", "P", .string, "password"),
        Option("keepalive", "k", .integer, initial: "300", "keep alive in seconds"),
        Option("clean", "C", .flag, initial: "true", "start without the server's session"),
        Option("session-expiry", "x", .integer, initial: "0", "seconds that a session outlives its connection"),
        Option("lowmem", "l", .flag, initial: "false", "accepted and ignored: clients are small anyway"),
        Option("force-major-gc-interval", nil, .integer, "accepted and ignored: there is no collector"),
        Option("log_to", nil, .string, initial: "console", "console, or null to silence single clients"),
        Option("ssl", "S", .flag, initial: "false", "TLS over TCP; certificates are not verified"),
        Option("ssl-version", nil, .string, missing: "another TLS than 1.3", ""),
        Option("cacertfile", nil, .string, "accepted and ignored: certificates are not verified"),
        Option("certfile", nil, .string, "certificate that clients show, PEM, with the chain above it (--ssl, --quic)"),
        Option("keyfile", nil, .string, "its private key, PEM"),
        Option("ciphers", nil, .string, missing: tls, ""),
        Option("signature-algs", nil, .string, missing: tls, ""),
        Option("keyex-algs", nil, .string, missing: tls, ""),
        Option("ws", nil, .flag, missing: webSocket, ""),
        Option("load-qst", nil, .string, "file of QUIC session tickets, read at the start and written at the end"),
        Option("qoe", "Q", .string, missing: experience, ""),
        Option("qoelog", nil, .string, missing: experience, ""),
        Option("prometheus", nil, .flag, missing: prometheus, ""),
        Option("restapi", nil, .string, missing: prometheus, ""),
    ]

    static let subscribing: [Option] = [
        Option(
            "topic",
            "t",
            .string,
            repeats: true,
            "topic filter; may be repeated. Levels %i %c %u %rand_N are replaced"
        ),
        Option("qos", "q", .integer, initial: "0", "highest quality of service"),
        Option(
            "payload-hdrs",
            nil,
            .string,
            initial: "",
            "as the publishers': cnt64 (for all topics of a publisher), ts, ts_us"
        ),
        Option("limit", "L", .integer, initial: "0", "end after so many messages over all clients; 0: never"),
        streams,
    ]

    private static let streams = Option(
        "streams",
        nil,
        .integer,
        initial: "0",
        "data streams that a client's topics are spread over (QUIC); 0: none"
    )

    static let publishing: [Option] = [
        Option(
            "topic",
            "t",
            .string,
            repeats: true,
            "topic; may be repeated, each at its interval. Levels %i %c %u %s %rand_N are replaced"
        ),
        Option("interval_of_msg", "I", .milliseconds, initial: "1000", "time between a client's messages; 0: none"),
        Option("qos", "q", .integer, initial: "0", "quality of service"),
        Option("retain", "r", .flag, initial: "false", "retained messages"),
        Option("size", "s", .integer, initial: "256", "octets of payload"),
        Option("message", "m", .string, "payload, or template://FILE"),
        Option("payload-hdrs", nil, .string, initial: "", "octets before the payload: cnt64, ts (ms), ts_us"),
        Option("limit", "L", .integer, initial: "0", "end after so many messages over all clients; 0: never"),
        Option(
            "inflight",
            "F",
            .integer,
            initial: "1",
            "unacknowledged messages of a client on all its streams; 0: the server's limit"
        ),
        Option("wait-before-publishing", "w", .flag, initial: "false", "publish once all clients tried to connect"),
        Option("max-random-wait", nil, .milliseconds, initial: "0", "longest random wait before the first message"),
        Option("min-random-wait", nil, .milliseconds, initial: "0", "shortest random wait before the first message"),
        Option(
            "retry-interval",
            nil,
            .integer,
            initial: "0",
            "seconds until a message is sent again (MQTT 3); 0: never"
        ),
        Option("keep-connected", nil, .flag, initial: "false", "stay connected after --limit"),
        Option("topics-payload", nil, .string, "file of topics in JSON, with streams and their priorities (QUIC)"),
        streams,
    ]

    static let reporting: [Option] = [
        Option("duration", nil, .string, "end after this time: 10, 500ms, 2m"),
        Option("json", nil, .string, "write the results to this file"),
        Option("loops", nil, .integer, initial: "0", "event loops; 0: one per core"),
    ]

    static let closedLoop: [Option] = [
        Option("help", nil, .flag, "show this"),
        Option("host", "h", .string, initial: "localhost", "host"),
        Option("port", "p", .integer, initial: "1883", "port"),
        Option("version", "V", .integer, initial: "4", "MQTT version: 3, 4 or 5"),
        Option("count", "c", .integer, initial: "1", "pairs, subscribers or connections"),
        Option("window", "w", .integer, initial: "16", "messages under way for each publisher"),
        Option("qos", "q", .integer, initial: "0", "quality of service"),
        Option("size", "s", .integer, initial: "64", "octets of payload, 8 at least"),
        Option("duration", "t", .string, initial: "5", "time measured: 10, 500ms, 2m"),
        Option("warm-up", nil, .string, initial: "1", "time before it"),
        Option("broker-pid", "P", .integer, "process whose CPU time and memory are measured"),
        Option("ssl", "S", .flag, initial: "false", "TLS over TCP; certificates are not verified"),
        quic,
        Option("ifaddr", nil, .string, "local address, or a comma list used in turn"),
        Option("loops", nil, .integer, initial: "1", "event loops (pair and idle)"),
        Option("json", nil, .string, "write the results to this file"),
    ]
}
