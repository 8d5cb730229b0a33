import NIOCore

@testable import MQTTBroker

/// The disk of a simulated broker: commits in their order, those before what every shard has written again deleted.
struct SimulatedStore {
    private(set) var commits: [ByteBuffer] = []
    /// Segments of queues, by their numbers.
    private(set) var segments: [UInt64: ByteBuffer] = [:]
    /// How many commits were deleted.
    private(set) var deleted = 0
    /// Of each shard: the first commit that it needs.
    private var needed: [Int]
    /// Of each shard that is cleaning: the first commit with what it writes again.
    private var begun: [Int?]
    /// Of each shard: true if the next commit has the last of it.
    private var isLast: [Bool]

    /// - Parameter commit: what is there.
    init(shards: Int, commit: ByteBuffer? = nil) {
        commits = commit.map { [$0] } ?? []
        needed = Array(repeating: 0, count: shards)
        begun = Array(repeating: nil, count: shards)
        isLast = Array(repeating: false, count: shards)
    }

    var octets: ByteBuffer { commits.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) } }

    mutating func write(_ batches: [LaneBatch], of shard: Int, now: Instant) {
        var octets = ByteBuffer()
        for batch in batches {
            batch.write(to: &octets, now: now)
            for segment in batch.segments { segments[segment.number] = segment.octets }
            for number in batch.removedSegments { segments[number] = nil }
        }
        commits.append(octets)
        guard isLast[shard], let first = begun[shard] else { return }
        isLast[shard] = false
        begun[shard] = nil
        needed[shard] = first
        let goal = needed.min() ?? 0
        commits.removeFirst(goal - deleted)
        deleted = goal
    }

    /// Changes an octet of a commit that is on the disk.
    mutating func damage(_ commit: Int, at offset: Int) {
        let octet: UInt8 = commits[commit].getInteger(at: offset) ?? 0
        commits[commit].setInteger(octet ^ 0x10, at: offset)
    }

    /// Changes the last octet of a segment that is on the disk.
    mutating func damageSegment(_ number: UInt64) {
        guard let octets = segments[number], let last: UInt8 = octets.getInteger(at: octets.writerIndex - 1) else {
            return
        }
        segments[number]?.setInteger(last ^ 0x10, at: octets.writerIndex - 1)
    }

    /// Leaves the batches of a lane out of the commits from a place on.
    mutating func leaveOut(_ lane: Lane, from place: Int, now: Instant) {
        for commit in place..<commits.count {
            var reader = BatchReader(commits[commit], now: now)
            var octets = ByteBuffer()
            while case .batch(let batch)? = try? reader.next({ $0 != lane }) { batch.write(to: &octets, now: now) }
            commits[commit] = octets
        }
    }

    /// Deletes the segments that nobody needs.
    mutating func removeSegments(except needed: Set<UInt64>) { segments = segments.filter { needed.contains($0.key) } }

    /// True until the commit with the last of what a shard writes again is on the disk.
    func isCleaning(_ shard: Int) -> Bool { begun[shard] != nil }
    mutating func cleaning(_ shard: Int) { begun[shard] = deleted + commits.count }
    mutating func cleaned(_ shard: Int) { isLast[shard] = true }

    /// The process starts anew with `count` shards, each of which needs everything.
    mutating func restart(shards count: Int) {
        needed = Array(repeating: deleted, count: count)
        begun = Array(repeating: nil, count: count)
        isLast = Array(repeating: false, count: count)
    }
}
