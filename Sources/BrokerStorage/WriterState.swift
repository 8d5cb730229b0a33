internal import NIOCore

/// What the sources of a writer and its thread share.
struct WriterState {
    let limits: StoreLimits
    var sources: [@Sendable (StoreEvent) -> Void] = []
    var counters = StoreCounters()
    /// Commits below this number may be deleted.
    var trimGoal: Int64 = 0
    var isClosing = false
    /// Whether the thread waits for a signal.
    var isAsleep = false

    /// Octets of the database that hold something, after the last commit.
    var usedOctets = 0
    /// What keeps batches from being written; `nil` while they are.
    var fault: StoreHealth?
    /// What commits take, a mean that goes by eighths.
    private(set) var meanCommit: Duration = .zero
    /// When the commit began that the thread is writing.
    var commitBegan: ContinuousClock.Instant?
    /// Octets of the commit that the thread is writing, or trying to write.
    private(set) var writingOctets = 0

    private var queue = CommitQueue()
    private var isSlow = false
    private var isShortOfMemory = false
    private var isShortOfSpace = false

    init(limits: StoreLimits) { self.limits = limits }

    /// Octets that are taken and not on disk yet.
    var waitingOctets: Int { queue.octets + writingOctets }

    /// Octets that the database may have before ordinary batches are refused.
    private var ordinaryOctets: Int { limits.maximumOctets - limits.reserve }

    var admission: Admission {
        switch fault {
        case .ended: .none
        case .full: .drainingOnly(.space)
        case .readOnly, .failing: .drainingOnly(.disk)
        case .well, .slow, nil:
            if isShortOfSpace { .drainingOnly(.space) } else { isShortOfMemory ? .drainingOnly(.memory) : .all }
        }
    }

    func health(at now: ContinuousClock.Instant) -> StoreHealth {
        if let fault { return fault }
        if isShortOfSpace {
            return .full(
                "the store is full: \(usedOctets) octets of store.max_bytes = \(limits.maximumOctets), of which \(limits.reserve) are kept "
                    + "for what empties it; let clients fetch what waits for them, or raise store.max_bytes"
            )
        }
        // A commit that does not come back at all counts as well.
        if let commitBegan, now - commitBegan > limits.slowCommit * 10 { return .slow(now - commitBegan) }
        return isSlow ? .slow(meanCommit) : .well
    }

    mutating func submit(_ batch: Batch, from source: Int) -> Submission {
        let octets = batch.octetCount
        let isTaken =
            switch batch.kind {
            case .ordinary: takesOrdinary(octets)
            case .draining: takesDraining(octets)
            }
        if isTaken {
            queue.append(CommitQueue.Entry(octets: batch.octets, segments: batch.segments, source: source))
        }
        return Submission(isTaken: isTaken, admission: admission)
    }

    private mutating func takesOrdinary(_ octets: Int) -> Bool {
        if admission == .all {
            // What was taken while there was space is written, from the reserve if need be; so it is looked at here, and not
            // when it is written.
            isShortOfSpace = usedOctets + waitingOctets + octets > ordinaryOctets
            isShortOfMemory = waitingOctets > 0 && waitingOctets + octets > limits.maximumQueuedOctets
        }
        switch admission {
        case .all: return true
        case .drainingOnly(.memory): counters.batchesRefusedForMemory += 1
        case .drainingOnly(.space): counters.batchesRefusedForSpace += 1
        case .drainingOnly(.disk), .none: counters.batchesRefusedForDisk += 1
        }
        return false
    }

    private mutating func takesDraining(_ octets: Int) -> Bool {
        if admission == .none {
            counters.batchesRefusedForDisk += 1
            return false
        }
        if usedOctets + waitingOctets + octets > limits.maximumOctets {
            counters.batchesRefusedForSpace += 1
            return false
        }
        if waitingOctets > 0, waitingOctets + octets > 2 * limits.maximumQueuedOctets {
            counters.batchesRefusedForMemory += 1
            return false
        }
        return true
    }

    /// - Returns: whether the thread is to be signalled.
    mutating func wakeUp() -> Bool {
        defer { isAsleep = false }
        return isAsleep
    }

    /// Takes the batches of the next commit; none if nothing waits.
    mutating func take() -> [CommitQueue.Entry] {
        let before = queue.octets
        let taken = queue.take(most: limits.maximumCommitOctets)
        writingOctets = before - queue.octets
        return taken
    }

    /// Counts a commit that is on disk.
    mutating func committed(batches: Int, in time: Duration) {
        counters.commits += 1
        counters.batches += batches
        counters.octets += writingOctets
        counters.commitMicroseconds += Int(time / .microseconds(1))
        writingOctets = 0
        if time > limits.slowCommit { counters.slowCommits += 1 }
        meanCommit += (time - meanCommit) / 8
        if meanCommit > limits.slowCommit { isSlow = true }
        if meanCommit < limits.slowCommit / 2 { isSlow = false }
    }

    /// Takes ordinary batches again where there is enough space for some time.
    mutating func reviewSpace() {
        if waitingOctets <= limits.maximumQueuedOctets / 2 { isShortOfMemory = false }
        let used = usedOctets + waitingOctets
        if used > ordinaryOctets {
            isShortOfSpace = true
        } else if used <= ordinaryOctets - limits.reserve / 4 {
            isShortOfSpace = false
        }
    }
}
