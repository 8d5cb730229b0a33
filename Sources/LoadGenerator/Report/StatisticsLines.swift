/// The lines of each second: one for each counter that changed since its last line.
struct StatisticsLines {
    private struct Last {
        var value: UInt64 = 0
        var at: Nanoseconds
    }

    private let start: Nanoseconds
    private var last: [Last]

    init(start: Nanoseconds) {
        self.start = start
        last = Array(repeating: Last(at: start), count: Counter.allCases.count)
    }

    /// Each line starts with a carriage return, as in emqtt_bench.
    mutating func lines(_ counters: Counters, now: Nanoseconds) -> [String] {
        let elapsed = Self.elapsed((now - start) / 1_000_000_000)
        // The latency line divides by what was received since the last one, so it comes before that is updated.
        let received = counters[.received] - last[Counter.received.rawValue].value
        return Counter.allCases.compactMap { counter in
            let previous = last[counter.rawValue]
            let delta = counters[counter] - previous.value
            if counter == .publishLatency {
                guard received > 0, counters[counter] > 0 else { return nil }
                last[counter.rawValue] = Last(value: counters[counter], at: now)
                return "\r\(elapsed) publish_latency avg=\(delta / received)ms"
            }
            guard delta > 0 else { return nil }
            last[counter.rawValue] = Last(value: counters[counter], at: now)
            let seconds = Double(now - previous.at) / 1e9
            let rate = seconds > 0 ? Double(delta) / seconds : 0
            return "\r\(elapsed) \(counter.name) total=\(counters[counter]) rate=\(rate.text(decimals: 2))/sec"
        }
    }

    /// `1s`, `1m0s`, `1h2m3s`, `1d0h0m5s`, and nothing at 0.
    static func elapsed(_ seconds: UInt64) -> String {
        let parts = [
            (seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s"),
        ]
        return parts.drop { $0.0 == 0 }.map { "\($0.0)\($0.1)" }.joined()
    }
}

extension Double {
    /// The number with a fixed count of decimals, as `printf("%.2f")` writes it.
    func text(decimals: Int) -> String {
        let factor = (0..<decimals).reduce(1.0) { factor, _ in factor * 10 }
        let scaled = (abs(self) * factor).rounded()
        guard scaled < 9e18 else { return "\(self)" }
        let whole = UInt64(scaled)
        let sign = self < 0 && whole > 0 ? "-" : ""
        guard decimals > 0 else { return "\(sign)\(whole)" }
        let fraction = String(whole % UInt64(factor))
        return "\(sign)\(whole / UInt64(factor)).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
    }
}
