import DequeModule
import Foundation
import NIOPosix

/// The audit log of this node: who changed, kicked, published or signed in. The newest entries are in memory, and in a file of the data folder for the
/// next start. A request does not wait for the file, and does not fail with it.
package actor AuditLog {
    private let file: AuditFile
    private let limits: AuditLimits
    private var entries: Deque<AuditEntry> = []
    private var failures = 0
    /// Failed attempts to sign in of this minute, and those that were left out since the last entry.
    private var minute = (start: 0, count: 0)
    private var leftOut = 0
    private var pending: [UInt8] = []
    private var pendingEntries = 0
    private var writing: Task<Void, Never>?
    package private(set) var counters = AuditCounters()

    /// Opens the log with what an earlier run has left.
    ///
    /// - Parameter folder: `node.data_dir`.
    package init(folder: String, limits: AuditLimits = AuditLimits()) async {
        let file = AuditFile(folder: folder, maximum: limits.maximumFile)
        self.file = file
        self.limits = limits
        let lines = (try? await NIOThreadPool.singleton.runIfActive { file.lines() }) ?? []
        for line in lines {
            if let entry = try? JSONDecoder().decode(AuditEntry.self, from: line) {
                keep(entry)
            } else {
                counters.brokenLines += 1
            }
        }
    }

    // MARK: Reading

    /// Entries in memory.
    package var count: Int { entries.count }

    /// The newest entries first.
    ///
    /// - Parameter offset: of the newest ones that are passed over.
    package func newest(_ count: Int, offset: Int = 0) -> [AuditEntry] {
        Array(entries.reversed().dropFirst(max(0, offset)).prefix(max(0, count)))
    }

    // MARK: Writing

    package func record(_ entry: AuditEntry) {
        var entry = entry.cut(to: limits.maximumText)
        if leftOut > 0 {
            entry.leftOut = leftOut
            leftOut = 0
        }
        keep(entry)
        write(entry)
    }

    /// Records a failed attempt to sign in, unless there were too many within the minute.
    package func recordFailure(_ entry: AuditEntry) {
        let passed = entry.time - minute.start
        if passed < 0 || passed >= 60_000 { minute = (entry.time, 0) }
        minute.count += 1
        if minute.count > limits.failuresPerMinute {
            leftOut += 1
        } else {
            record(entry)
        }
    }

    private func keep(_ entry: AuditEntry) {
        entries.append(entry)
        if entry.isFailedSignIn {
            failures += 1
            if failures > limits.maximumFailures, let oldest = entries.firstIndex(where: \.isFailedSignIn) {
                remove(oldest)
            }
        }
        if entries.count > limits.maximumEntries { remove(entries.startIndex) }
    }

    private func remove(_ index: Int) {
        if entries.remove(at: index).isFailedSignIn { failures -= 1 }
    }

    private func write(_ entry: AuditEntry) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? encoder.encode(entry), pending.count + line.count < limits.maximumPending else {
            counters.unwritten += 1
            return
        }
        pending += line
        pending.append(UInt8(ascii: "\n"))
        pendingEntries += 1
        if writing == nil { writing = Task { await writeAll() } }
    }

    private func writeAll() async {
        while !pending.isEmpty {
            let (lines, count) = (pending, pendingEntries)
            (pending, pendingEntries) = ([], 0)
            do {
                try await NIOThreadPool.singleton.runIfActive { [file] in try file.append(lines) }
            } catch {
                counters.diskErrors += 1
                counters.unwritten += count
            }
        }
        writing = nil
    }

    /// Waits until what was recorded is in the file, or is not going to be.
    package func flush() async {
        while let writing { await writing.value }
    }
}
