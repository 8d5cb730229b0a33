import FoundationEssentials
import Glibc
import LinkEmulator

/// The program's output, a line of JSON for each value.
enum Report {
    static func write(_ value: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var line = try? encoder.encode(value) else { return }
        line.append(UInt8(ascii: "\n"))
        line.withUnsafeBytes { octets in
            var rest = octets[...]
            while !rest.isEmpty {
                let count = Glibc.write(STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return }
            }
        }
    }

    /// The first packet of a client through a new or changed binding, or the first packet to the client after that.
    struct Binding: Encodable {
        let event: String
        let transport: String
        let inside: String
        let outside: String
        /// Nanoseconds of the monotonic clock.
        let monotonic: UInt64
        /// Nanoseconds since 1970.
        let unix: UInt64

        init(_ news: NATNews, clockOffset: Nanoseconds) {
            event = news.kind.rawValue
            transport = "\(news.transport)"
            inside = "\(news.inside)"
            outside = "\(news.outside)"
            monotonic = news.instant
            unix = news.instant + clockOffset
        }
    }

    /// The answer to `report`.
    struct Counters: Encodable {
        let event = "counters"
        let counters: EmulatorCounters
        /// Microseconds from the instant at which packets were due to their writing, on average and at most.
        let lateMean: Double
        let lateMost: Double
        let writeFailures: UInt64

        init(_ counters: EmulatorCounters, _ lateness: Lateness, writeFailures: UInt64) {
            self.counters = counters
            lateMean = lateness.mean / 1000
            lateMost = Double(lateness.most) / 1000
            self.writeFailures = writeFailures
        }
    }
}

/// Statistics of how late packets were written: the delay that the emulator adds itself.
struct Lateness {
    private var sum: UInt64 = 0
    private var count: UInt64 = 0
    private(set) var most: Nanoseconds = 0

    var mean: Double { count == 0 ? 0 : Double(sum) / Double(count) }

    mutating func record(_ time: Nanoseconds) {
        sum += time
        count += 1
        most = max(most, time)
    }
}
