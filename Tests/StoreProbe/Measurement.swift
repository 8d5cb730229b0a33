import BrokerStorage
import Dispatch
import Foundation
import Logging
import NIOConcurrencyHelpers
import NIOCore
import StoreFixture

/// What commits of one batch cost, one after the other, while 64 MB are kept and the rest is trimmed.
struct Measurement {
    let folder: String
    let options: Options
    /// Octets that are kept.
    private let kept = 67_108_864

    init(folder: String, _ options: Options) { (self.folder, self.options) = (folder, options) }

    func run() throws {
        let log = try CommitLog.open(folder: folder, limits: options.limits)
        let writer = try CommitWriter(log, logger: Logger(label: "probe"))
        let octets = options["octets"]
        let done = DispatchSemaphore(value: 0)
        let last = NIOLockedValueBox<Int64>(0)
        let source = writer.source { event in
            if case .committed(let number, _) = event { last.withLockedValue { $0 = number } }
            done.signal()
        }
        let keep = Int64(kept / octets)
        // Filled to what is kept before anything is counted.
        for sequence in 0..<keep {
            _ = writer.submit(batch(UInt64(sequence)), from: source)
            done.wait()
        }
        var times: [Duration] = []
        let before = usage()
        let began = ContinuousClock.now
        var sequence: UInt64 = 0
        while ContinuousClock.now - began < .seconds(options["seconds"]) {
            if options["rate"] > 0 {
                let due = began + .seconds(1) * Double(sequence) / Double(options["rate"])
                let early = (due - .now) / .nanoseconds(1)
                if early > 0 { usleep(UInt32(early / 1_000)) }
            }
            let batch = batch(sequence)
            let start = ContinuousClock.now
            _ = writer.submit(batch, from: source)
            done.wait()
            times.append(.now - start)
            sequence += 1
            let number = last.withLockedValue { $0 }
            if number % 16 == 0 { writer.trim(below: number - keep) }
        }
        let took = (ContinuousClock.now - began) / .seconds(1)
        let after = usage()
        times.sort()
        func part(_ share: Double) -> String {
            String(format: "%.2f", times[Int(Double(times.count - 1) * share)] / .milliseconds(1))
        }
        let payload = Double(times.count * octets)
        print(
            "\(octets) octets: \(Int(Double(times.count) / took)) commits/s, p50 \(part(0.5)) p99 \(part(0.99)) p99.9 \(part(0.999)) max \(part(1)) ms, "
                + String(
                    format: "CPU %.2f ms/MB, written %.2f octets per octet",
                    (after.cpu - before.cpu) * 1_000 / (payload / 1e6),
                    Double(after.written - before.written) / payload
                ) + ", database \(writer.octetCount / 1_048_576) MiB"
        )
        writer.close()
    }

    private func batch(_ sequence: UInt64) -> Batch {
        Batch(ByteBuffer(repeating: UInt8(truncatingIfNeeded: sequence), count: options["octets"]))
    }

    /// Seconds of the processor, and octets written to disks.
    private func usage() -> (cpu: Double, written: Int) {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let times = [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
        let text = (try? String(contentsOfFile: "/proc/self/io", encoding: .utf8)) ?? ""
        let written = text.split(separator: "\n").first { $0.hasPrefix("write_bytes") }?.split(separator: " ").last
        return (times, written.flatMap { Int($0) } ?? 0)
    }
}
