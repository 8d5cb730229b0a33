import DequeModule
import MQTTCodec

/// The logs of the lanes that a shard leads.
struct LaneTable: ~Copyable {
    /// False if nothing outlives the process: then there are no records, and nothing waits.
    let isLogging: Bool
    private var logs: [LaneLog]
    /// A bit for each lane.
    private var lanesWithRecords: UInt64 = 0
    /// True if somebody waits for a record and no acknowledgement of a client can make that needless.
    var isUrgent = false
    /// Receipts that other shards owe, by their numbers.
    private var awaited: [UInt64: Receipt] = [:]
    private var lastReceipt: UInt64 = 0

    /// Why nothing new is kept; `nil` while it is.
    var suspension: Suspension? { didSet { noticeUnusual() } }
    /// Connections with messages that are not taken, which are taken in turn once the suspension is over.
    var untaken: Deque<Connection> = [] { didSet { noticeUnusual() } }
    /// False as long as every message is taken as it comes: the one test of a PUBLISH at QoS 1 or 2.
    private(set) var isUnusual = false

    /// Lanes of the whole node whose logs are damaged: nothing of them is served, written or deleted.
    var quarantined: Set<Lane> = [] { didSet { noticeUnusual() } }

    /// Octets of the messages whose acknowledgements wait, of all connections.
    var withheldOctets = 0
    /// Connections that are not read since these are too many.
    var heldUp: [Connection] = []

    /// Messages that durable sessions wait for.
    let queueMemory = QueueMemory()
    /// The sessions of segments that are being fetched.
    private var fetching: [UInt64: Session] = [:]

    init(isLogging: Bool) {
        self.isLogging = isLogging
        logs = isLogging ? Array(repeating: LaneLog(), count: Lane.count) : []
    }

    subscript(lane: Lane) -> LaneLog {
        _read { yield logs[Int(lane.number)] }
        _modify { yield &logs[Int(lane.number)] }
    }

    /// True if there are records that no batch has taken.
    var hasRecords: Bool { lanesWithRecords != 0 }

    mutating func append(_ record: LaneRecord, to lane: Lane) {
        logs[Int(lane.number)].append(record)
        lanesWithRecords |= 1 << UInt64(lane.number)
    }

    /// Takes the batches of all lanes, those of a lane in their order.
    mutating func take(_ age: LaneBatch.Age, now: Instant) -> [LaneBatch] {
        var taken: [LaneBatch] = []
        var lanes = lanesWithRecords
        while lanes != 0 {
            let number = lanes.trailingZeroBitCount
            lanes &= lanes - 1
            guard let lane = Lane(number: UInt8(number)) else { continue }
            for _ in 0..<(age == .any ? 2 : 1) {
                guard let batch = logs[number].takeAged() else { continue }
                var taking = LaneBatch(lane: lane, position: batch.position, records: batch.records, made: now.wall)
                if logs[number].hasSegments, !batch.records.isEmpty { logs[number].takeSegments(for: &taking) }
                taken.append(taking)
            }
            if !logs[number].hasRecords { lanesWithRecords &= ~(1 << UInt64(number)) }
        }
        if age == .any { isUrgent = false }
        return taken
    }

    /// Another shard owes `receipt` an answer under the number that is returned.
    mutating func awaitStored(_ receipt: Receipt) -> UInt64 {
        lastReceipt += 1
        receipt.remaining += 1
        awaited[lastReceipt] = receipt
        return lastReceipt
    }

    // MARK: - Segments

    /// A segment of a session's queue is being fetched.
    mutating func fetch(_ segment: UInt64, of session: Session) { fetching[segment] = session }

    /// The session that a segment was fetched for.
    mutating func takeFetching(_ segment: UInt64) -> Session? { fetching.removeValue(forKey: segment) }

    /// A segment is not needed any more.
    mutating func remove(_ segment: QueueSegment, of lane: Lane) { self[lane].remove(segment.number) }

    private mutating func noticeUnusual() {
        isUnusual = suspension != nil || !untaken.isEmpty || !quarantined.isEmpty
    }

    mutating func takeAwaited(_ number: UInt64) -> Receipt? { awaited.removeValue(forKey: number) }
    var awaitedCount: Int { awaited.count }
}
