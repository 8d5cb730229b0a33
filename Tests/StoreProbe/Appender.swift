import BrokerStorage
import Dispatch
import Glibc
import Logging
import NIOConcurrencyHelpers
import StoreFixture

/// Writes batches of random sizes until it is ended, and prints what it is told:
///
///     durable SOURCE SEQUENCE COMMIT    the source's batches up to that number are on disk
///     trim COMMIT                       the commits before that one may be gone
///     refused SOURCE | admission WORDS | health WORD | failed
final class Appender: Sendable {
    private let options: Options
    private let writer: CommitWriter
    private let slots: DispatchSemaphore
    private let progress: NIOLockedValueBox<[Progress]>

    struct Progress {
        var submitted: UInt64 = 0
        var durable: UInt64 = 0
    }

    init(folder: String, _ options: Options) throws {
        self.options = options
        slots = DispatchSemaphore(value: options["outstanding"])
        let log = try CommitLog.open(folder: folder, limits: options.limits)
        var progress = Array(repeating: Progress(), count: options["sources"])
        try log.recover { recovered in
            guard case .commit(_, let octets) = recovered else { return }
            for batch in ProbeBatch.all(in: octets) ?? [] {
                progress[Int(batch.source)] = Progress(submitted: batch.sequence, durable: batch.sequence)
            }
        }
        self.progress = NIOLockedValueBox(progress)
        writer = try CommitWriter(
            log,
            logger: Logger(label: "probe", factory: { StreamLogHandler.standardError(label: $0) })
        )
        say("open")
    }

    func run() throws {
        let sources = (0..<options["sources"]).map { index in writer.source { self.hear($0, by: index) } }
        var generator = SystemRandomNumberGenerator()
        var health = ""
        for round in 1... {
            slots.wait()
            let index = Int.random(in: 0..<sources.count, using: &generator)
            let isDraining = options["draining"] > 0 && round % options["draining"] == 0
            // Known before the commit can be told.
            let sequence = progress.withLockedValue { progress in
                progress[index].submitted += 1
                return progress[index].submitted
            }
            let count = Int.random(in: 0...options["octets"], using: &generator)
            let batch = ProbeBatch(source: UInt8(index), sequence: sequence, count: count)
            let submission = writer.submit(
                Batch(batch.octets, isDraining ? .draining : .ordinary),
                from: sources[index]
            )
            if !submission.isTaken {
                progress.withLockedValue { $0[index].submitted -= 1 }
                say("refused \(index)")
                slots.signal()
                usleep(10_000)
            }
            if options["pause"] > 0 { usleep(UInt32(options["pause"]) * 1_000) }
            let now = writer.health.name
            if now != health { say("health \(now)") }
            health = now
        }
    }

    private func hear(_ event: StoreEvent, by index: Int) {
        switch event {
        case .committed(let number, let batches):
            let durable = progress.withLockedValue { progress in
                progress[index].durable += UInt64(batches)
                return progress[index].durable
            }
            say("durable \(index) \(durable) \(number)")
            for _ in 0..<batches { slots.signal() }
            if number % 16 == 0, number > options["keep"] {
                say("trim \(Int(number) - options["keep"])")
                writer.trim(below: number - Int64(options["keep"]))
            }
        case .admission(let admission): if index == 0 { say("admission \(admission)") }
        case .failed(let failure):
            say("failed \(failure.kind)")
            exit(70)
        }
    }

    /// One system call for a line, so that a line is printed whole or not at all. The process ends when nobody listens any more.
    private func say(_ line: String) {
        let octets = Array((line + "\n").utf8)
        if write(STDOUT_FILENO, octets, octets.count) < 0, errno == EPIPE { exit(EXIT_FAILURE) }
    }
}
