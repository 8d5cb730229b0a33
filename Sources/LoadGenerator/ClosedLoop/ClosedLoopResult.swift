import MQTTCodec

/// The result of a closed loop, as a line of text and as JSON.
struct ClosedLoopResult: Codable, Sendable {
    let command: String
    let transport: String
    let count: Int
    let qos: UInt8
    let window: Int
    let size: Int
    var deliveredPerSecond: Double?
    var latency: LatencySummary?
    /// Processor time of this process for each delivery: near the broker's, the load is the bottleneck.
    var loadMicrosecondsPerDelivery: Double?
    var brokerMicrosecondsPerDelivery: Double?
    /// Processors that the broker kept busy.
    var brokerCores: Double?
    var brokerMebibytes: Double?
    var connectsPerSecond: Double?
    var brokerMicrosecondsPerConnect: Double?
    var brokerKibibytesPerConnection: Double?
    var problems: [String] = []

    private enum CodingKeys: String, CodingKey {
        case command, transport, count, qos, window, size, latency, problems
        case deliveredPerSecond = "delivered_per_second"
        case loadMicrosecondsPerDelivery = "load_us_per_delivery"
        case brokerMicrosecondsPerDelivery = "broker_us_per_delivery"
        case brokerCores = "broker_cores"
        case brokerMebibytes = "broker_mib"
        case connectsPerSecond = "connects_per_second"
        case brokerMicrosecondsPerConnect = "broker_us_per_connect"
        case brokerKibibytesPerConnection = "broker_kib_per_connection"
    }

    init(_ options: BenchOptions) {
        command = options.command.rawValue
        transport = options.isQUIC ? "quic" : options.isTLS ? "tls" : "tcp"
        count = options.count
        qos = options.qos.rawValue
        window = options.window
        size = options.size
    }

    /// One line.
    var text: String {
        var parts: [String] = []
        func add(_ value: Double?, _ decimals: Int, _ text: (String) -> String) {
            if let value { parts.append(text(value.text(decimals: decimals))) }
        }
        add(connectsPerSecond, 0) { "\($0) connects/s" }
        add(brokerMicrosecondsPerConnect, 0) { "broker \($0) us CPU per connect" }
        add(brokerKibibytesPerConnection, 1) { "\($0) KiB per connection" }
        add(deliveredPerSecond, 0) { "\($0) delivered/s" }
        add(brokerMicrosecondsPerDelivery, 2) { "broker \($0) us CPU each" }
        add(brokerCores.map { $0 * 100 }, 0) { "\($0)% CPU" }
        add(loadMicrosecondsPerDelivery, 2) { "load \($0) us CPU each" }
        if let latency { parts.append("latency us p50 \(latency.p50) p99 \(latency.p99) max \(latency.max)") }
        add(brokerMebibytes, 0) { "RSS \($0) MiB" }
        let shape = deliveredPerSecond == nil ? "" : " q=\(qos) w=\(window) s=\(size)"
        return "\(command) \(transport) n=\(count)\(shape): \(parts.joined(separator: ", "))"
    }
}
