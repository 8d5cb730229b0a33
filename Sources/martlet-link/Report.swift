import FoundationEssentials
import Glibc
import LinkEmulator

/// What the program says: a line of JSON each.
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

    /// A client's first packet by a binding, and so the first from that outside endpoint; or the first answer to it.
    struct Binding: Encodable {
        let event: String
        let transport: String
        let inside: String
        let outside: String
        /// Nanoseconds of the monotonic clock, and since 1970.
        let monotonic: UInt64
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

    struct Counters: Encodable {
        let event = "counters"
        let counters: EmulatorCounters
        /// Microseconds by which packets were written after they were due.
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

/// How late packets were: what the emulator itself adds to the link.
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
