/// What the store may take: on disk, in memory and of time.
package struct StoreLimits: Sendable, Equatable {
    /// Octets that the database file may have, 1 MiB and up. SQLite's write-ahead log comes on top: some 20 MiB, and
    /// more only while a backup is being made.
    package var maximumOctets = 8_589_934_592
    /// Octets that are kept for batches of the kind `Batch.Kind.draining`, within `maximumOctets` and, as a file of its
    /// own, on the disk. The reserve is to be larger than `maximumQueuedOctets`, since what was taken while there was space may have
    /// to be written from it.
    package var reserve = 67_108_864
    /// Octets of batches that are taken and not on disk yet, above which ordinary batches are refused. Draining batches
    /// are refused at twice as much.
    package var maximumQueuedOctets = 33_554_432
    /// Octets of the batches of one commit; at most a quarter of `reserve`.
    package var maximumCommitOctets = 524_288
    /// Pages of the write-ahead log, of 4 KiB, after which the writer carries them over into the database file.
    package var checkpointPages = 4_000
    /// What commits take on average, when the store is said to be slow.
    package var slowCommit: Duration = .milliseconds(100)

    /// `maximumOctets`; where it is small, it sets `reserve` to a quarter of it, and `maximumQueuedOctets` to an eighth.
    package var budget: Int {
        get { maximumOctets }
        set {
            maximumOctets = newValue
            reserve = min(StoreLimits().reserve, newValue / 4)
            maximumQueuedOctets = min(StoreLimits().maximumQueuedOctets, newValue / 8)
        }
    }

    package init() {}
}
