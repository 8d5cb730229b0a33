internal import Dispatch
internal import Foundation
internal import GRDB
package import NIOCore

/// What a check of a store has found.
package struct StoreReport: Sendable, Equatable {
    /// Commits that can be read.
    package var commits = 0
    /// Octets of the commits that can be read.
    package var octets = 0
    /// The numbers of the first and the last commit that can be read.
    package var numbers: ClosedRange<Int64>?
    /// Numbers of commits that are not there or cannot be read.
    package var unreadable: [ClosedRange<Int64>] = []
    /// What SQLite found wrong with the pages, a sentence each, a hundred at most.
    package var problems: [String] = []
    /// Numbers of commits that can be read and are not what was written.
    package var damaged: [Int64] = []
    /// Segments (parts of long queues) that can be read.
    package var segments = 0
    /// Segments that cannot be read, or are not what was written.
    package var damagedSegments = 0

    package var isSound: Bool { unreadable.isEmpty && problems.isEmpty && damaged.isEmpty && damagedSegments == 0 }
}

extension CommitDatabase {
    /// Looks at every page (SQLite's `integrity_check`), and then reads every commit and every segment.
    ///
    /// - Parameters:
    ///   - isSound: says whether the octets of a commit are what was written.
    ///   - progress: is called now and then, on other threads as well.
    /// - Throws: `StoreFailure`, or what `isSound` throws.
    package func check(
        isSound: (ByteBuffer) throws -> Bool = { _ in true },
        progress: @escaping @Sendable (StoreProgress) -> Void = { _ in }
    ) throws -> StoreReport {
        do {
            return try queue.unsafeRead { database in
                var report = StoreReport()
                let total = try octets(database)
                report.problems = try ReadMeter.watching(
                    total,
                    tell: { progress(StoreProgress(done: $0, total: 2 * total)) }
                ) {
                    try problems(database)
                }
                var reader = CommitReader(database: database, path: path, from: 0)
                try reader.read { recovered in
                    switch recovered {
                    case .unreadable(let numbers): report.unreadable.append(numbers)
                    case .commit(let number, let octets):
                        report.commits += 1
                        report.octets += octets.readableBytes
                        if try !isSound(octets) { report.damaged.append(number) }
                        report.numbers = (report.numbers?.lowerBound ?? number)...number
                        if report.commits % 256 == 0 {
                            progress(StoreProgress(done: total + report.octets, total: 2 * total))
                        }
                    }
                }
                try checkSegments(database, isSound: isSound, &report)
                progress(StoreProgress(done: 2 * total, total: 2 * total))
                return report
            }
        } catch {
            throw StoreFailure(error, at: path)
        }
    }
}

extension CommitDatabase {
    private func checkSegments(
        _ database: Database,
        isSound: (ByteBuffer) throws -> Bool,
        _ report: inout StoreReport
    ) throws {
        let numbers = (try? Int64.fetchAll(database, sql: "SELECT number FROM segments")) ?? []
        for number in numbers {
            if let octets = try? Self.segment(number, database, at: path), try isSound(octets) {
                report.segments += 1
            } else {
                report.damagedSegments += 1
            }
        }
    }

    /// What SQLite finds wrong with the pages. Where it meets damage it says so, and then fails.
    private func problems(_ database: Database) throws -> [String] {
        var problems: [String] = []
        do {
            let rows = try String.fetchCursor(database, sql: "PRAGMA integrity_check(100)")
            while let row = try rows.next() { if row != "ok" { problems.append(row) } }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            problems.append(error.message ?? "malformed")
        }
        return problems
    }
}

/// Tells how much this process has read while a call goes on that tells nothing itself: SQLite looks at each page once.
private enum ReadMeter {
    static func watching<Value>(
        _ total: Int,
        tell: @escaping @Sendable (Int) -> Void,
        _ body: () throws -> Value
    ) rethrows -> Value {
        let began = octetsRead
        let timer = DispatchSource.makeTimerSource(queue: .global())
        timer.schedule(deadline: .now() + .milliseconds(200), repeating: .milliseconds(200))
        timer.setEventHandler { tell(min(octetsRead - began, total)) }
        timer.activate()
        defer { timer.cancel() }
        return try body()
    }

    private static var octetsRead: Int {
        let text = (try? String(contentsOfFile: "/proc/self/io", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("rchar:") }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }
}
