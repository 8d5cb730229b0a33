internal import Foundation
internal import Glibc
internal import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// What the thread of a writer does: commits, deletes, and what is decided when that fails.
struct Committer {
    private let log: CommitLog
    private var reserve: Reserve
    /// The commit that is being written, or tried again.
    private var commit: Commit?
    private var lastNumber: Int64
    /// Commits below this number are deleted.
    private var trimmed: Int64 = 0
    /// Pages that were written to the write-ahead log since it was last carried over, about.
    private var pages = 0
    private var backOff = BackOff()
    /// When what failed is tried again.
    private var retry: ContinuousClock.Instant?
    /// When the disk is asked again whether it has space for the reserve.
    private var recheck: ContinuousClock.Instant?
    private var toldAdmission = Admission.all
    private var toldHealth = StoreHealth.well

    /// A commit that is not on disk yet.
    private struct Commit {
        let number: Int64
        var octets = Data()
        var segments = SegmentChanges()
        /// The sources in the order of their first batch, and how many batches of each.
        var batches: [(source: Int, count: Int)] = []

        init(_ number: Int64, of entries: [CommitQueue.Entry]) {
            self.number = number
            octets.reserveCapacity(entries.reduce(0) { $0 + $1.octets.readableBytes })
            for entry in entries {
                octets.append(contentsOf: entry.octets.readableBytesView)
                segments.append(entry.segments)
                if let place = batches.firstIndex(where: { $0.source == entry.source }) {
                    batches[place].count += 1
                } else {
                    batches.append((entry.source, 1))
                }
            }
        }
    }

    /// What the thread does next.
    private enum Work {
        case write, recheck, end
        case sleep(until: ContinuousClock.Instant?)
    }

    /// How often a disk that was full is asked whether it has space for the reserve.
    static let recheckDelay: Duration = .seconds(1)

    /// - Throws: `StoreFailure`.
    init(log: CommitLog) throws {
        self.log = log
        lastNumber = try log.numbers()?.upperBound ?? 0
        let folder = URL(fileURLWithPath: log.path).deletingLastPathComponent()
        reserve = Reserve(path: folder.appending(path: CommitLog.reserveName).path, octets: log.limits.reserve)
        reserve.keep(beside: 0)
    }

    /// Works until the writer is closed, or nothing may be written any more.
    mutating func run(for writer: CommitWriter) {
        reviewSpace(writer)
        while true {
            report(writer)
            switch next(writer, at: .now) {
            case .write:
                do {
                    try write(writer)
                } catch {
                    guard decide(StoreFailure(error, at: log.path), writer) else { return }
                }
            case .recheck: reviewSpace(writer)
            case .sleep(let until): writer.sleep(until: until)
            case .end:
                try? log.close()
                return
            }
        }
    }

    private mutating func next(_ writer: CommitWriter, at now: ContinuousClock.Instant) -> Work {
        writer.state.withLockedValue { state in
            if let retry, retry > now, !state.isClosing {
                state.isAsleep = true
                return .sleep(until: retry)
            }
            if commit == nil {
                let batches = state.take()
                if !batches.isEmpty { commit = Commit(lastNumber + 1, of: batches) }
            }
            if commit != nil || retry != nil || state.trimGoal > trimmed { return .write }
            if let recheck, recheck <= now { return .recheck }
            if state.isClosing { return .end }
            state.isAsleep = true
            return .sleep(until: recheck)
        }
    }

    /// Writes the commit, deletes what may be deleted, and tells the sources.
    private mutating func write(_ writer: CommitWriter) throws {
        let began = ContinuousClock.now
        let goal = writer.state.withLockedValue { state in
            state.commitBegan = began
            return state.trimGoal > trimmed ? state.trimGoal : nil
        }
        defer { writer.state.withLockedValue { $0.commitBegan = nil } }
        if retry != nil, let goal {
            // There may be space for the commit only once something is deleted.
            try trim(writer, below: goal)
        }
        let isLeft = try log.write(
            commit.map { ($0.number, $0.octets) },
            commit?.segments ?? SegmentChanges(),
            trimmingBelow: goal
        )
        if let goal, !isLeft { trimmed = goal }
        if goal != nil { writer.state.withLockedValue { $0.counters.trims += 1 } }
        if let done = commit {
            commit = nil
            lastNumber = done.number
            pages += 4 + (done.octets.count + done.segments.octetCount) / CommitLog.pageOctets
            tell(writer, of: done, in: .now - began)
        }
        try carryOver(writer)
        retry = nil
        backOff.reset()
        reviewSpace(writer)
    }

    private mutating func trim(_ writer: CommitWriter, below goal: Int64) throws {
        do {
            if try !log.trim(below: goal) { trimmed = goal }
            writer.state.withLockedValue { $0.counters.trims += 1 }
        } catch let failure as StoreFailure where failure.kind == .full {
            // Then the commit tells.
        }
    }

    private func tell(_ writer: CommitWriter, of done: Commit, in time: Duration) {
        let sources = writer.state.withLockedValue { state in
            state.committed(batches: done.batches.reduce(0) { $0 + $1.count }, in: time)
            return state.sources
        }
        for (source, count) in done.batches { sources[source](.committed(number: done.number, batches: count)) }
    }

    /// Carries the write-ahead log over into the database where it is long, after the sources were told.
    private mutating func carryOver(_ writer: CommitWriter) throws {
        guard pages >= log.limits.checkpointPages else { return }
        _ = try log.checkpoint()
        pages = 0
        writer.state.withLockedValue { $0.counters.checkpoints += 1 }
    }

    /// Keeps the reserve where that is possible again, and sees how much is used.
    private mutating func reviewSpace(_ writer: CommitWriter) {
        let now = ContinuousClock.now
        if !reserve.isKept, recheck.map({ $0 <= now }) ?? true {
            // With as much beside it, so that the next commits do not take it again.
            recheck = reserve.keep(beside: reserve.octets) ? nil : now + Self.recheckDelay
        }
        let used = try? log.octetCount()
        writer.state.withLockedValue { state in
            if let used { state.usedOctets = used }
            state.fault = reserve.isKept ? nil : .full(Self.full(log.path, reserve.octets))
            state.reviewSpace()
        }
    }

    private static func full(_ path: String, _ octets: Int) -> String {
        "\(path): the disk is full: fewer than \(2 * octets) octets are free, and the reserve of the store is in use; make space"
    }

    /// Decides what follows from a failure.
    ///
    /// - Returns: false if nothing may be written any more.
    private mutating func decide(_ failure: StoreFailure, _ writer: CommitWriter) -> Bool {
        var fault = StoreHealth.failing("\(failure.description); it is tried again; see to the disk")
        var counter = \StoreCounters.faultsOther
        switch failure.kind {
        case .unsynced, .damaged, .foreign:
            end(failure, writer)
            return false
        case .full: (fault, counter) = (.full(failure.description), \.faultsFull)
        case .readOnly: (fault, counter) = (.readOnly(failure.description), \.faultsReadOnly)
        case .other, .inUse:
            if isFileSystemReadOnly {
                fault = .readOnly("\(log.path): the file system became read-only; mount it for writing")
                counter = \.faultsReadOnly
            }
        }
        let isClosing = writer.state.withLockedValue { state in
            state.counters[keyPath: counter] += 1
            state.fault = fault
            return state.isClosing
        }
        if failure.kind == .full, reserve.release() {
            retry = .now
            recheck = .now + Self.recheckDelay
        } else if isClosing {
            report(writer)
            return false
        } else {
            retry = .now + backOff.next()
        }
        return true
    }

    private var isFileSystemReadOnly: Bool {
        var space = statvfs()
        return statvfs(log.path, &space) == 0 && space.f_flag & UInt(ST_RDONLY) != 0
    }

    /// Ends for good. The database is not closed, which would carry over what may not be on disk.
    private mutating func end(_ failure: StoreFailure, _ writer: CommitWriter) {
        let sources = writer.state.withLockedValue { state in
            if failure.kind == .unsynced { state.counters.faultsUnsynced += 1 } else { state.counters.faultsOther += 1 }
            state.fault = .ended(failure.description)
            return state.sources
        }
        report(writer)
        for tell in sources { tell(.failed(failure)) }
    }

    /// Says a change of the health in one line, and tells every source of a change of what is taken.
    private mutating func report(_ writer: CommitWriter) {
        let (health, admission, sources) = writer.state.withLockedValue {
            ($0.health(at: .now), $0.admission, $0.sources)
        }
        if health.name != toldHealth.name {
            let level: Logger.Level =
                switch health {
                // Whoever was told of the trouble is told of its end.
                case .well, .slow: .warning
                case .full, .readOnly, .failing: .error
                case .ended: .critical
                }
            writer.logger.log(level: level, "store", metadata: ["state": "\(health.name)", "detail": "\(health)"])
        }
        toldHealth = health
        guard admission != toldAdmission else { return }
        toldAdmission = admission
        for tell in sources { tell(.admission(admission)) }
    }
}
