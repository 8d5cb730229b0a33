internal import Dispatch
internal import Foundation
internal import Glibc
package import Logging
internal import NIOConcurrencyHelpers
internal import NIOCore

/// Writes the batches of many event loops to one `CommitLog`, by one thread of its own.
///
/// What has come since the last commit is written as one commit, a row of the log with the batches one behind the other, and
/// each source of it is told once. So a commit is as large as the sync before was slow, up to
/// `StoreLimits.maximumCommitOctets`, and an idle writer commits at once.
///
/// A writer has to be closed: until then its thread keeps it.
package final class CommitWriter: Sendable {
    /// One of those that hand in batches.
    package struct Source: Sendable, Hashable {
        let index: Int
    }

    let log: CommitLog
    let logger: Logger
    let state: NIOLockedValueBox<WriterState>
    private let wake = DispatchSemaphore(value: 0)
    private let end = DispatchGroup()

    /// Starts a writer that goes on behind the last commit of a log, which nobody else uses from here on.
    ///
    /// - Throws: `StoreFailure`.
    package init(_ log: CommitLog, logger: Logger) throws {
        self.log = log
        self.logger = logger
        state = NIOLockedValueBox(WriterState(limits: log.limits))
        let committer = try Committer(log: log)
        end.enter()
        let thread = Thread {
            var committer = committer
            committer.run(for: self)
            self.end.leave()
        }
        thread.name = "martlet-store"
        thread.start()
    }

    /// Adds a source.
    ///
    /// - Parameter tell: is called on the writer's thread, which does nothing else meanwhile: it is to hop to the loop of
    ///   the source.
    package func source(_ tell: @escaping @Sendable (StoreEvent) -> Void) -> Source {
        state.withLockedValue { state in
            state.sources.append(tell)
            return Source(index: state.sources.count - 1)
        }
    }

    /// Hands in a batch, from any thread. Costs a lock, and no system call while the writer is at work.
    ///
    /// Batches of a source are committed in the order in which they were handed in, those of one call of `submit` never in
    /// part.
    package func submit(_ batch: Batch, from source: Source) -> Submission {
        let (submission, isAsleep) = state.withLockedValue { state in
            (state.submit(batch, from: source.index), state.wakeUp())
        }
        if isAsleep { wake.signal() }
        return submission
    }

    /// Lets the writer delete the commits below a number, some with each commit and the rest when it is idle. The last commit stays.
    package func trim(below number: Int64) {
        let isAsleep = state.withLockedValue { state in
            guard number > state.trimGoal else { return false }
            state.trimGoal = number
            return state.wakeUp()
        }
        if isAsleep { wake.signal() }
    }

    /// Which batches are taken just now. A change is told to every source.
    package var admission: Admission { state.withLockedValue { $0.admission } }

    /// How the store is. A change is said in one line of the log.
    package var health: StoreHealth { state.withLockedValue { $0.health(at: .now) } }

    package var counters: StoreCounters { state.withLockedValue { $0.counters } }

    /// Octets of batches that are taken and not on disk yet.
    package var queuedOctets: Int { state.withLockedValue { $0.waitingOctets } }

    /// Octets of the database that hold something, after the last commit.
    package var octetCount: Int { state.withLockedValue { $0.usedOctets } }

    /// Octets that can still be written, about: of what the database may have, and of what the disk has.
    package var room: Int {
        var space = statvfs()
        let free = statvfs(log.path, &space) == 0 ? Int(space.f_bavail) * Int(space.f_frsize) : 0
        return max(0, state.withLockedValue { min(free, log.limits.maximumOctets - $0.usedOctets) - $0.waitingOctets })
    }

    /// Writes what was taken, if the disk takes it, ends the thread and closes the database. Blocks until that is done, at most for
    /// one more attempt where writing fails.
    package func close() {
        if state.withLockedValue({ state in
            state.isClosing = true
            return state.wakeUp()
        }) {
            wake.signal()
        }
        end.wait()
    }

    /// Blocks the writer's thread until there is something to do, or until an instant.
    func sleep(until instant: ContinuousClock.Instant?) {
        guard let instant else {
            wake.wait()
            return
        }
        let nanoseconds = (instant - .now) / .nanoseconds(1)
        _ = wake.wait(timeout: .now() + .nanoseconds(Int(max(0, min(nanoseconds, 1e12)))))
    }
}
