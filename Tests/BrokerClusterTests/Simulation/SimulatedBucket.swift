import NIOCore

/// The bucket of members of a simulated cluster.
struct SimulatedBucket {
    private(set) var records: [Int: (revision: UInt64, value: ByteBuffer?)] = [:]
    private var sequence: UInt64 = 0
    /// Until then its stream has no leader, in milliseconds.
    var isElectingUntil = 0

    /// Stores a value, or `nil` for a deletion. Returns `nil` if the revision is another.
    mutating func put(_ value: ByteBuffer?, node: Int, expecting revision: UInt64) -> UInt64? {
        guard records[node]?.revision ?? 0 == revision else { return nil }
        sequence += 1
        records[node] = (sequence, value)
        return sequence
    }
}
