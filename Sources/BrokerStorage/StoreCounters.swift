/// What a writer has done since it was made.
package struct StoreCounters: Sendable, Equatable {
    /// Commits, and batches in them, that are on disk.
    package var commits = 0
    package var batches = 0
    /// Octets of batches that are on disk.
    package var octets = 0
    /// Deletions of commits that no shard needs.
    package var trims = 0
    /// Times that the write-ahead log was carried over into the database.
    package var checkpoints = 0
    /// Batches that were refused because too many were waiting.
    package var batchesRefusedForMemory = 0
    /// Batches that were refused because only the reserve was left.
    package var batchesRefusedForSpace = 0
    /// Batches that were refused while writing failed, or after it had ended.
    package var batchesRefusedForDisk = 0
    /// Attempts to write that found no space.
    package var faultsFull = 0
    /// Attempts to write that were not allowed.
    package var faultsReadOnly = 0
    /// Syncs that failed, each of which is the last.
    package var faultsUnsynced = 0
    /// Attempts to write that failed otherwise.
    package var faultsOther = 0
    /// Commits that took longer than `StoreLimits.slowCommit`.
    package var slowCommits = 0
    /// Microseconds that commits took, all together.
    package var commitMicroseconds = 0

    /// The counters by the names of their metrics, `martlet_store_NAME_total`.
    package static let names: [(name: String, path: any KeyPath<StoreCounters, Int> & Sendable)] = [
        ("commits", \.commits),
        ("batches", \.batches),
        ("octets", \.octets),
        ("trims", \.trims),
        ("checkpoints", \.checkpoints),
        ("batches_refused_memory", \.batchesRefusedForMemory),
        ("batches_refused_space", \.batchesRefusedForSpace),
        ("batches_refused_disk", \.batchesRefusedForDisk),
        ("faults_full", \.faultsFull),
        ("faults_read_only", \.faultsReadOnly),
        ("faults_unsynced", \.faultsUnsynced),
        ("faults_other", \.faultsOther),
        ("slow_commits", \.slowCommits),
        ("commit_microseconds", \.commitMicroseconds),
    ]
}
