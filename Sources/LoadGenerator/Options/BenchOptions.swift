import MQTTCodec
import QUICTransport
import Secrets

/// A checked command line of `martlet bench`.
package struct BenchOptions: Sendable {
    package let command: LoadKind
    let hosts: [String]
    let port: Int
    let version: ProtocolVersion
    let count: Int
    /// Between connects of the whole process; 0 for as fast as possible.
    let connectInterval: Nanoseconds
    let localAddresses: [String]
    let prefix: String?
    let usesShortIdentifiers: Bool
    let startNumber: Int
    let connectRetries: Int
    /// Seconds.
    let connectTimeout: Int
    let reconnects: Int
    let reconnectDelay: Nanoseconds
    let isQUIC: Bool
    /// A file of options for QUIC.
    let quicPath: String?
    /// Between changes of a client's address; `nil` for none.
    /// True gives each QUIC client a socket of its own; clients that migrate always have one.
    let ownsSockets: Bool
    let usesPreferredAddress: Bool
    let migrationInterval: Nanoseconds?
    let migration: QUICEndpoint.Migration
    /// `nil` uses the value of the QUIC options file, or else the default.
    let congestionController: QUICConfiguration.CongestionController?
    let isTLS: Bool
    let certificatePath: String?
    let keyPath: String?
    let ticketPath: String?
    let userName: String?
    @Secret private(set) var password: String?
    let keepAlive: UInt16
    let cleanStart: Bool
    let sessionExpiry: UInt32
    let isSilent: Bool

    let topics: [String]
    /// A file of topics, which replaces the options for topics and messages.
    let topicsPayload: String?
    /// Data streams of each client, over which its topics are spread; 0 for none.
    let streams: Int
    let qos: QualityOfService
    let headers: [PayloadHeader]
    /// Messages over all clients; 0 for no limit.
    let limit: Int

    /// Between a client's messages; 0 for as fast as possible.
    let messageInterval: Nanoseconds
    let retain: Bool
    let size: Int
    let message: String?
    let inflight: Int
    let waitsForAll: Bool
    let randomWait: ClosedRange<Nanoseconds>
    let retryInterval: Int
    let keepsConnected: Bool

    let duration: Nanoseconds?
    let warmUp: Nanoseconds
    let jsonPath: String?
    /// 0 for one per core.
    let loops: Int
    let window: Int
    let brokerPID: Int?

    /// Reads the words after the command.
    ///
    /// - Throws: ``UsageError``.
    package init(_ command: LoadKind, _ arguments: [String]) throws(UsageError) {
        let values = try command.table.parse(arguments)
        var check = OptionCheck(values)
        self.command = command

        hosts = check.list("host")
        port = check.integer("port", in: 1...65_535)
        version = check.version
        count = check.integer("count", in: 1...1_000_000)
        let rate = check.integer("connrate", in: 0...1_000_000)
        connectInterval = rate > 0 ? 1_000_000_000 / UInt64(rate) : check.milliseconds("interval")
        localAddresses = check.list("ifaddr")
        prefix = values.string("prefix")
        usesShortIdentifiers = values.flag("shortids")
        startNumber = check.integer("startnumber", in: 0...Int(Int32.max))
        connectRetries = check.integer("num-retry-connect", in: 0...1_000_000)
        connectTimeout = check.integer("connect-timeout", in: 1...3600)
        reconnects = check.integer("reconnect", in: 0...1_000_000)
        reconnectDelay = check.milliseconds("reconnect-delay")
        (isQUIC, quicPath) = check.quic
        migrationInterval = check.duration("migrate-every")
        usesPreferredAddress = !values.flag("no-preferred-address")
        ownsSockets = values.flag("own-sockets") || migrationInterval != nil
        migration = check.choice("migration", ["active", "unnoticed"]) == "unnoticed" ? .unnoticed : .active
        congestionController =
            switch check.choice("congestion", ["cubic", "reno", "bbr"]) {
            case "cubic": .cubic
            case "reno": .reno
            case "bbr": .bbr
            default: nil
            }
        isTLS = values.flag("ssl")
        certificatePath = values.string("certfile")
        keyPath = values.string("keyfile")
        ticketPath = values.string("load-qst")
        userName = values.string("username")
        password = values.string("password")
        keepAlive = UInt16(check.integer("keepalive", in: 0...65_535))
        cleanStart = values.string("clean") != "false"
        sessionExpiry = UInt32(check.integer("session-expiry", in: 0...4_294_967_295))
        isSilent = check.choice("log_to", ["console", "null"]) == "null"

        topics = values.all("topic")
        topicsPayload = values.string("topics-payload")
        streams = check.integer("streams", in: 0...65_534)
        qos = QualityOfService(rawValue: UInt8(check.integer("qos", in: 0...2))) ?? .atMostOnce
        headers = check.headers
        limit = check.integer("limit", in: 0...Int.max)
        messageInterval = check.milliseconds("interval_of_msg")
        retain = values.flag("retain")
        size = check.integer("size", in: 0...268_435_000)
        message = values.string("message")
        inflight = check.integer("inflight", in: 0...65_535)
        waitsForAll = values.flag("wait-before-publishing")
        let shortest = check.milliseconds("min-random-wait")
        randomWait = shortest...max(shortest, check.milliseconds("max-random-wait"))
        retryInterval = check.integer("retry-interval", in: 0...86_400)
        keepsConnected = values.flag("keep-connected")

        duration = check.duration("duration")
        warmUp = check.duration("warm-up") ?? 0
        jsonPath = values.string("json")
        loops = check.integer("loops", in: 0...1024)
        window = check.integer("window", in: 1...65_535)
        brokerPID = values.integer("broker-pid")

        if (command == .pub || command == .sub) && topics.contains(where: \.isEmpty)
            || topics.isEmpty && command.needsTopic && topicsPayload == nil
        {
            check.fail("'topic' required")
        }
        if command == .pub, topics.contains(where: { $0.contains("+") || $0.contains("#") }) {
            check.fail("a topic to publish to must not contain + or #")
        }
        if let migrationInterval {
            if !isQUIC { check.fail("--migrate-every needs --quic: a TCP connection ends with its address") }
            if migrationInterval < 10_000_000 { check.fail("--migrate-every: at least 10ms") }
        }
        if values.flag("no-preferred-address"), !isQUIC { check.fail("--no-preferred-address needs --quic") }
        if values.flag("own-sockets"), !isQUIC {
            check.fail("--own-sockets needs --quic: over TCP each client has one")
        }
        if isTLS, isQUIC { check.fail("--ssl and --quic exclude each other: QUIC has TLS within") }
        if streams > 0, !isQUIC { check.fail("--streams: only QUIC has streams") }
        if streams > 0, topicsPayload != nil {
            check.fail("--streams and --topics-payload: the file says which topic goes over which stream")
        }
        if (certificatePath == nil) != (keyPath == nil) { check.fail("--certfile and --keyfile belong together") }
        if !isQUIC, !isTLS, certificatePath != nil { check.fail("--certfile needs --ssl or --quic") }
        if !isQUIC, ticketPath != nil { check.fail("--load-qst needs --quic") }
        if let error = check.error { throw error }
    }

    /// The stream that a topic's messages go over: the topics take the data streams in turn, 0 is the control stream.
    func stream(of topic: Int) -> Int { streams == 0 ? 0 : topic % streams + 1 }
}

extension LoadKind {
    fileprivate var needsTopic: Bool { self == .pub || self == .sub }
}

/// A length of time, or an instant of the monotonic clock.
package typealias Nanoseconds = UInt64

/// Checks option values, and keeps the first error.
private struct OptionCheck {
    let values: OptionTable.Values
    private(set) var error: UsageError?

    init(_ values: OptionTable.Values) { self.values = values }

    mutating func fail(_ text: String) { error = error ?? UsageError(text) }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int {
        guard let value = values.integer(name) else { return range.lowerBound }
        if !range.contains(value) {
            fail("bad value '\(value)' for --\(name): \(range.lowerBound) to \(range.upperBound)")
        }
        return min(max(value, range.lowerBound), range.upperBound)
    }

    mutating func milliseconds(_ name: String) -> Nanoseconds {
        guard let value = values.decimal(name) else { return 0 }
        guard (0...86_400_000).contains(value) else {
            fail("bad value '\(value)' for --\(name): 0 to 86400000")
            return 0
        }
        return Nanoseconds(value * 1_000_000)
    }

    mutating func list(_ name: String) -> [String] {
        guard let value = values.string(name) else { return [] }
        let items = value.split(separator: ",").map { String($0.drop { $0 == " " }) }
        if items.isEmpty || items.contains("") {
            fail("bad value '\(value)' for --\(name): an address, or a comma list")
        }
        return items
    }

    mutating func choice(_ name: String, _ choices: [String]) -> String? {
        guard let value = values.string(name) else { return nil }
        if !choices.contains(value) {
            fail("bad value '\(value)' for --\(name): \(choices.joined(separator: " or "))")
        }
        return value
    }

    var version: ProtocolVersion {
        mutating get {
            let number = integer("version", in: 3...5)
            return ProtocolVersion(rawValue: UInt8(number)) ?? .v5
        }
    }

    var quic: (isOn: Bool, path: String?) {
        mutating get {
            guard let value = values.string("quic") else { return (false, nil) }
            if value.hasSuffix(".eterm") { return (true, value) }
            if !["true", "false"].contains(value) {
                fail("bad value '\(value)' for --quic: true, false, or a file of options whose name ends in .eterm")
            }
            return (value == "true", nil)
        }
    }

    var headers: [PayloadHeader] {
        mutating get {
            var headers: [PayloadHeader] = []
            for name in (values.string("payload-hdrs") ?? "").split(separator: ",") {
                guard let header = PayloadHeader(rawValue: String(name)) else {
                    fail("bad value '\(name)' for --payload-hdrs: cnt64, ts or ts_us")
                    continue
                }
                headers.append(header)
            }
            return headers
        }
    }

    /// `10`, `500ms`, `10s`, `2m`, `1h`; seconds without a unit.
    mutating func duration(_ name: String) -> Nanoseconds? {
        guard let text = values.string(name) else { return nil }
        let units: [(String, Double)] = [("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9), ("", 1e9)]
        for (suffix, factor) in units where text.hasSuffix(suffix) {
            guard let value = Double(text.dropLast(suffix.count)), value >= 0, value * factor < 1e18 else { break }
            return Nanoseconds(value * factor)
        }
        fail("bad value '\(text)' for --\(name): a time such as 10, 500ms, 2m")
        return nil
    }
}
