import MQTTBroker
import NIOCore

/// The commits of one shard: one at a time, so that what comes during a commit goes into the next; and when the shard cleans its log.
///
/// Confined to the shard's event loop.
final class ShardCommits {
    let store: any CommitStore
    private let shard: Int
    /// The batches that are being committed.
    private(set) var batches: [LaneBatch] = []
    /// What the store did not take yet.
    private var refused: ShardCommit?
    /// Why the store takes only what frees space; `nil` while it takes everything.
    private(set) var suspension: Suspension?
    /// False if what cleaning would write had no room in the store when that was looked at.
    private var hasRoomToClean = true
    /// True while records wait for acknowledgements that may make a commit needless.
    var isDelayed = false

    /// The number of the last commit.
    private var lastNumber: Int64 = 0
    /// Octets since the last cleaning began.
    private var octets: Int
    /// Octets that the last cleaning wrote: what was alive.
    private var alive = 0
    /// Octets that the cleaning which is under way has written.
    private var writtenAgain = 0
    /// The first commit of the cleaning that is under way; 0 until that is on disk and has a number.
    private var cleaningFrom: Int64?
    /// True if the commit that is under way has the last of it.
    private var isLastOfCleaning = false
    /// Commits below are not needed.
    private var neededFrom: Int64 = 0
    /// True if another shard has cleaned its log and this one holds old commits.
    private var isAskedToClean = false
    /// Another shard does not need the commits below.
    private var neededByOthers: Int64 = 0

    /// How long a store is left alone that has taken nothing.
    static let pause = TimeAmount.milliseconds(100)
    /// How often it is looked whether there is room for cleaning, once there was not.
    static let measuring = TimeAmount.seconds(5)
    /// Octets that a log may grow by beyond twice what is alive.
    static let slack = 4 * 1_048_576
    /// Octets that cleaning adds to a commit, about.
    static let cleaningOctets = 262_144

    /// - Parameter octets: of the shard's lanes, as they were restored.
    init(_ store: any CommitStore, shard: Int, octets: Int) {
        self.store = store
        self.shard = shard
        self.octets = octets
    }

    var isIdle: Bool { batches.isEmpty }

    /// How long records wait at least that nobody waits for, and at most twice as long.
    var delay: TimeAmount { .nanoseconds(store.maximumDelay.nanoseconds / 2) }

    /// Begins a commit.
    ///
    /// - Returns: false if the store took nothing.
    func begin(_ batches: [LaneBatch], now: Instant) -> Bool {
        self.batches = batches
        let commit = ShardCommit(batches, now: now)
        octets += commit.octets.readableBytes
        return submit(commit)
    }

    /// Hands in again what the store did not take.
    func retry() -> Bool {
        guard let refused else { return true }
        return submit(refused)
    }

    private func submit(_ commit: ShardCommit) -> Bool {
        var commit = commit
        // While the store is suspended the shard refuses what would make it fuller, so that the rest may have the last of the space: what
        // came before, and what follows from that.
        commit.frees = suspension != nil || cleaningFrom != nil || batches.allSatisfy(\.frees)
        let isTaken = store.submit(commit, from: shard)
        refused = isTaken ? nil : commit
        return isTaken
    }

    /// The commit is on disk. Returns its batches, and true if it has ended a cleaning.
    func end(_ number: Int64) -> (batches: [LaneBatch], hasCleaned: Bool) {
        lastNumber = number
        if cleaningFrom == 0 { cleaningFrom = number }
        defer { batches = [] }
        return (batches, endCleaning(cleaningFrom))
    }

    /// There was nothing to commit. A cleaning that found nothing alive ends with that: the shard needs none of the commits so far.
    func endWithoutCommit() -> Bool {
        endCleaning(cleaningFrom.map { $0 == 0 ? max(lastNumber + 1, neededByOthers) : $0 })
    }

    /// Returns true if a cleaning has ended.
    private func endCleaning(_ first: Int64?) -> Bool {
        guard isLastOfCleaning, let first else { return false }
        isLastOfCleaning = false
        cleaningFrom = nil
        alive = writtenAgain
        neededFrom = first
        store.release(below: first, by: shard)
        return true
    }

    // MARK: - Suspension

    /// Why the store takes only what frees space just now.
    var storeSuspension: Suspension? { store.suspension }

    /// The store takes only what frees space from here on, or everything.
    func suspended(_ suspension: Suspension?) {
        self.suspension = suspension
        hasRoomToClean = suspension == nil
        if suspension == .space, octets > alive + Self.slack { isAskedToClean = true }
    }

    /// True if there is room even for all that the shard has logged, so that nobody has to look how much of that is alive.
    ///
    /// - Parameter count: of the shards, all of which may clean.
    func hasAmpleRoom(among count: Int) -> Bool {
        guard suspension == nil, alive + octets <= store.room / max(2, count) else { return false }
        hasRoomToClean = true
        return true
    }

    /// Looks whether what cleaning would write has room. A cleaning that stops halfway would free nothing.
    ///
    /// - Parameter aliveOctets: what it would write, of one shard among `count`, all of which may clean; half of the room is left for
    ///   what clients send meanwhile.
    func measure(aliveOctets: Int, among count: Int) -> Bool {
        hasRoomToClean = suspension != .disk && aliveOctets <= store.room / max(2, count)
        return hasRoomToClean
    }

    // MARK: - Cleaning

    /// True if the log holds more than it should of what is not alive.
    var wantsCleaning: Bool {
        cleaningFrom == nil && hasRoomToClean && (isAskedToClean || octets > 2 * alive + Self.slack)
    }

    /// True if a cleaning that has begun may go on.
    var maySpendOnCleaning: Bool { hasRoomToClean }

    /// What the shard logs from here on is enough to restore it.
    func beginCleaning() {
        isAskedToClean = false
        cleaningFrom = 0
        octets = 0
        writtenAgain = 0
    }

    /// The next commit has some more of what is alive.
    func wroteAgain(_ written: (octets: Int, isDone: Bool)) {
        writtenAgain += written.octets
        isLastOfCleaning = written.isDone
    }

    /// Another shard does not need the commits below `number`. If this shard does, and they are many, it cleans its log as well.
    func clean(below number: Int64) {
        guard neededFrom < number, cleaningFrom == nil,
            store.octetCount > 2 * (alive + Self.slack)
        else { return }
        isAskedToClean = true
        neededByOthers = number
    }

    /// The first commit that the shard needs.
    var firstNeeded: Int64 { neededFrom }
}
