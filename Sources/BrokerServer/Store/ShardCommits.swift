import MQTTBroker
import NIOCore

/// The commits of one shard: one at a time, so that what comes during a commit goes into the next.
///
/// Confined to the shard's event loop.
final class ShardCommits {
    private let store: any CommitStore
    private let shard: Int
    /// The batches that are being committed.
    private(set) var batches: [LaneBatch] = []
    /// What the store did not take yet.
    private var refused: ByteBuffer?
    /// True while records wait for acknowledgements that may make a commit needless.
    var isDelayed = false

    /// How long records wait that nobody waits for.
    static let delay = TimeAmount.milliseconds(2)
    /// How long a store is left alone that has taken nothing.
    static let pause = TimeAmount.milliseconds(100)

    init(_ store: any CommitStore, shard: Int) {
        self.store = store
        self.shard = shard
    }

    var isIdle: Bool { batches.isEmpty }

    /// Begins a commit.
    ///
    /// - Returns: false if the store took nothing.
    func begin(_ batches: [LaneBatch], mayWait: Bool, now: Instant) -> Bool {
        self.batches = batches
        var octets = ByteBuffer()
        for batch in batches { batch.write(to: &octets, now: now) }
        return submit(octets, mayWait: mayWait)
    }

    /// Hands in again what the store did not take.
    func retry() -> Bool { refused.map { submit($0, mayWait: false) } ?? true }

    private func submit(_ octets: ByteBuffer, mayWait: Bool) -> Bool {
        let isTaken = store.submit(octets, from: shard, mayWait: mayWait)
        refused = isTaken ? nil : octets
        return isTaken
    }

    /// The commit is on disk. Returns its batches.
    func end() -> [LaneBatch] {
        defer { batches = [] }
        return batches
    }
}
