import BrokerServer
import BrokerStorage
import Glibc
import Logging
import MQTTBroker
import NIOConcurrencyHelpers
import NIOCore

/// The commits of a broker's shards, in SQLite (`store.engine = sqlite`).
final class SQLiteCommitStore: CommitStore {
    private let log: CommitLog
    let maximumDelay: TimeAmount
    private let logger: Logger
    private let state = NIOLockedValueBox(State())

    /// What the lock protects.
    private struct State {
        var writer: CommitWriter?
        var metrics: StoreMetrics?
        /// `nil` before a segment was read.
        var reader: SegmentReader?
        /// The source of each shard's batches.
        var sources: [CommitWriter.Source] = []
        /// The first commit that each shard needs.
        var needed: [Int64] = []
    }

    /// Opens the store.
    ///
    /// - Throws: `StoreFailure`.
    init(folder: String, limits: StoreLimits, maximumDelay: Duration, logger: Logger) throws {
        log = try CommitLog.open(folder: folder, limits: limits)
        self.maximumDelay = TimeAmount(maximumDelay)
        self.logger = logger
    }

    func recover(_ body: (ByteBuffer) throws -> Void) throws {
        try log.recover { commit in
            switch commit {
            case .commit(_, let octets): try body(octets)
            case .unreadable(let numbers): throw Unreadable(path: self.log.path, numbers: numbers)
            }
        }
    }

    func connect(_ tell: @escaping @Sendable (CommitStoreEvent) -> Void) throws {
        try state.withLockedValue { state in
            let writer = try state.writer ?? CommitWriter(log, logger: logger)
            if state.metrics == nil { state.metrics = StoreMetrics(writer) }
            state.writer = writer
            let source = writer.source { [logger] event in
                switch event {
                case .committed(let number, let batches): for _ in 0..<batches { tell(.committed(number)) }
                case .admission(let admission): tell(.suspended(Suspension(admission)))
                case .failed(let failure):
                    // What is on disk is not known: to go on would be to guess.
                    logger.critical("the store has failed, and the process ends", metadata: ["reason": "\(failure)"])
                    exit(EXIT_FAILURE)
                }
            }
            state.sources.append(source)
            state.needed.append(0)
        }
    }

    func submit(_ commit: ShardCommit, from shard: Int) -> Bool {
        let (writer, source) = state.withLockedValue { ($0.writer, $0.sources[shard]) }
        let segments = SegmentChanges(
            added: commit.segments.map { (Int64(clamping: $0.number), $0.octets) },
            removed: commit.removedSegments.map { Int64(clamping: $0) }
        )
        let batch = Batch(commit.octets, commit.frees ? .draining : .ordinary, segments: segments)
        return writer?.submit(batch, from: source).isTaken ?? false
    }

    func segment(_ number: UInt64) throws -> ByteBuffer? {
        do {
            let reader = try state.withLockedValue { state in
                let reader = try state.reader ?? SegmentReader(log)
                state.reader = reader
                return reader
            }
            return try reader.read(number)
        } catch {
            logger.error("store", metadata: ["state": "unreadable", "detail": "a part of a queue: \(error)"])
            throw error
        }
    }

    func removeSegments(except needed: Set<UInt64>) throws { try log.removeSegments(except: needed) }

    func release(below number: Int64, by shard: Int) {
        state.withLockedValue { state in
            state.needed[shard] = number
            if let first = state.needed.min(), first > 0 { state.writer?.trim(below: first) }
        }
    }

    func report() { state.withLockedValue { $0.metrics }?.report() }

    var suspension: Suspension? { state.withLockedValue { $0.writer }.flatMap { Suspension($0.admission) } }

    var room: Int { state.withLockedValue { $0.writer }?.room ?? 0 }

    var octetCount: Int { state.withLockedValue { $0.writer?.octetCount ?? 0 } }

    func close() {
        let writer = state.withLockedValue { $0.writer.take() }
        if let writer { writer.close() } else { try? log.close() }
    }

    /// Commits that SQLite cannot read.
    struct Unreadable: Error, CustomStringConvertible {
        let path: String
        let numbers: ClosedRange<Int64>

        var description: String {
            "\(path): the commits \(numbers.lowerBound) to \(numbers.upperBound) cannot be read; `martlet store check --salvage FILE` writes what is readable into a new store"
        }
    }
}

extension Suspension {
    /// A shortage of memory passes as soon as the disk has taken what waits: it suspends nothing.
    fileprivate init?(_ admission: Admission) {
        switch admission {
        case .all, .drainingOnly(.memory): return nil
        case .drainingOnly(.space): self = .space
        case .drainingOnly(.disk), .none: self = .disk
        }
    }
}
