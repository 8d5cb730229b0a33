import Histogram

/// Latencies of one kind, in microseconds at three significant digits.
struct LatencyRecord: Sendable {
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: Self.highest,
        numberOfSignificantValueDigits: .three
    )

    /// An hour; longer latencies are recorded as an hour.
    private static let highest: UInt64 = 3_600_000_000

    var count: UInt64 { histogram.totalCount }

    @inline(__always)
    mutating func record(microseconds: UInt64) {
        histogram.record(min(microseconds, Self.highest))
    }

    mutating func add(_ other: Self) {
        if other.count > 0 { histogram.add(other.histogram) }
    }

    mutating func reset() { histogram.reset() }

    /// `nil` before the first value.
    var summary: LatencySummary? {
        guard count > 0 else { return nil }
        return LatencySummary(
            count: count,
            mean: histogram.mean,
            p50: histogram.valueAtPercentile(50),
            p90: histogram.valueAtPercentile(90),
            p95: histogram.valueAtPercentile(95),
            p99: histogram.valueAtPercentile(99),
            p999: histogram.valueAtPercentile(99.9),
            max: histogram.max
        )
    }
}

/// How latencies of one kind are distributed, in microseconds.
struct LatencySummary: Codable, Sendable, Equatable {
    let count: UInt64
    let mean: Double
    let p50: UInt64
    let p90: UInt64
    let p95: UInt64
    let p99: UInt64
    let p999: UInt64
    let max: UInt64

    private enum CodingKeys: String, CodingKey {
        case count
        case mean = "mean_us"
        case p50 = "p50_us"
        case p90 = "p90_us"
        case p95 = "p95_us"
        case p99 = "p99_us"
        case p999 = "p99.9_us"
        case max = "max_us"
    }

    /// In milliseconds for people.
    var text: String {
        let values = [("p50", p50), ("p90", p90), ("p99", p99), ("p99.9", p999), ("max", max)]
        return values.map { "\($0.0) \((Double($0.1) / 1000).text(decimals: 3))" }.joined(separator: "  ") + " ms"
    }
}
