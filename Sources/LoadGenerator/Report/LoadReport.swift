import FoundationEssentials
import MQTTCodec

/// The report of a load, as text and as JSON.
struct LoadReport: Sendable {
    /// Everything in JSON; names are those of the lines.
    struct Document: Codable, Sendable {
        var command: String
        var clients: Int
        var seconds: Double
        var counters: [String: UInt64]
        var latencies: [String: LatencySummary]
        var problems: [String]
    }

    private(set) var document: Document
    private let snapshot: Worker.Snapshot

    /// Why the load did not do everything that was asked for; empty if it did.
    var problems: [String] { document.problems }

    /// - Parameter end: after an interrupt, messages that were not published yet do not count as missing.
    init(_ options: BenchOptions, _ snapshot: Worker.Snapshot, elapsed: Nanoseconds, end: LoadRun.End) {
        self.snapshot = snapshot
        let counters = snapshot.counters
        document = Document(
            command: options.command.rawValue,
            clients: options.count,
            seconds: Double(elapsed) / 1e9,
            counters: [:],
            latencies: [:],
            problems: Self.problems(options, snapshot, elapsed, end)
        )
        for counter in Counter.allCases where counter != .publishLatency {
            document.counters[counter.name] = counters[counter]
        }
        document.latencies["connect"] = snapshot.latencies.connect.summary
        document.latencies["publish_to_ack"] = snapshot.latencies.acknowledgement.summary
        document.latencies["end_to_end"] = snapshot.latencies.endToEnd.summary
    }

    private static func problems(
        _ options: BenchOptions,
        _ snapshot: Worker.Snapshot,
        _ elapsed: Nanoseconds,
        _ end: LoadRun.End
    ) -> [String] {
        let counters = snapshot.counters
        var problems: [String] = []
        func check(_ condition: Bool, _ text: @autoclosure () -> String) { if condition { problems.append(text()) } }
        let connected = counters[.connected]
        check(counters[.connectFailed] > 0, "\(counters[.connectFailed]) clients could not connect")
        check(
            end != .interrupted && connected + counters[.connectFailed] < options.count,
            "only \(connected) of \(options.count) clients were connected in time"
        )
        check(snapshot.lost > 0, "\(snapshot.lost) clients lost their connection")
        if end == .nobodyLeft, let duration = options.duration {
            let (had, asked) = (Double(elapsed) / 1e9, Double(duration) / 1e9)
            problems.append(
                "no client was left after \(had.text(decimals: 1)) s of the \(asked.text(atMost: 3)) s that were asked for"
            )
        }
        check(counters[.migrateFailed] > 0, "\(counters[.migrateFailed]) changes of address failed")
        check(counters[.publishFailed] > 0, "\(counters[.publishFailed]) messages were not delivered to the server")
        let answered = counters[.publishSucceeded] + counters[.publishedToNobody] + counters[.publishFailed]
        check(
            answered < snapshot.awaited,
            "\(snapshot.awaited - min(answered, snapshot.awaited)) messages were not acknowledged"
        )
        check(counters[.streamsEnded] > 0, "\(counters[.streamsEnded]) streams were ended by the server")
        let refused =
            options.command == .sub
            ? counters[.subscribeFailed] - min(counters[.connectFailed], counters[.subscribeFailed]) : 0
        check(refused > 0, "\(refused) clients could not subscribe")
        check(snapshot.sequenceBreaks > 0, "\(snapshot.sequenceBreaks) messages did not follow the one before by cnt64")
        if options.limit > 0 {
            let counter = options.command == .sub ? Counter.received : .published
            let reached = counters[counter]
            check(reached < options.limit, "\(reached) messages of \(options.limit)")
        }
        return problems
    }

    /// The summary for people.
    var lines: [String] {
        let counters = snapshot.counters
        var lines = ["Summary after \(document.seconds.text(decimals: 1)) s"]
        func add(_ name: String, _ text: String) {
            lines.append("  \(name)\(String(repeating: " ", count: max(1, 16 - name.count)))\(text)")
        }
        func rate(_ value: UInt64) -> String {
            "\(value) (\((Double(value) / max(document.seconds, 0.001)).text(decimals: 1))/s)"
        }
        add("connected", "\(counters[.connected]) of \(document.clients)")
        for counter in [Counter.connectFailed, .connectRetried, .reconnected, .early, .migrated, .migrateFailed]
        where counters[counter] > 0 {
            add(counter.name, "\(counters[counter])")
        }
        if counters[.published] > 0 {
            add("published", rate(counters[.published]))
            let acknowledged = counters[.publishSucceeded] + counters[.publishedToNobody]
            if acknowledged > 0 { add("acknowledged", "\(acknowledged), \(counters[.publishedToNobody]) to nobody") }
            if counters[.publishFailed] > 0 { add("failed", "\(counters[.publishFailed])") }
            if counters[.publishOverrun] > 0 { add("late", "\(counters[.publishOverrun])") }
        }
        if document.command == LoadKind.sub.rawValue { add("received", rate(counters[.received])) }
        for (name, key) in [("connect", "connect"), ("publish to ack", "publish_to_ack"), ("end to end", "end_to_end")]
        {
            if let latency = document.latencies[key] { add(name, latency.text) }
        }
        return lines + problems.map { "  NOT AS ASKED    \($0)" }
    }
}

extension Encodable {
    /// Writes the value as JSON.
    ///
    /// - Throws: ``UsageError`` when the file cannot be written.
    func writeJSON(to path: String) throws(UsageError) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            var data = try encoder.encode(self)
            data.append(UInt8(ascii: "\n"))
            try data.write(to: URL(filePath: path))
        } catch {
            throw UsageError("cannot write \(path)")
        }
    }
}
