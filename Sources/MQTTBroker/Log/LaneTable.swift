import DequeModule
import MQTTCodec
import NIOCore

/// Who leads which lane, and the logs of the lanes that the shard leads.
struct LaneTable: ~Copyable {
    /// False if nothing outlives the process: then there are no records, and nothing waits.
    let isLogging: Bool
    private var logs: [LaneLog]
    /// `nil` where no shard leads the lane, as far as this one knows.
    private var leaders: [Lead?]
    /// The lanes of each leader, a bit for each.
    private var ledBy: [ShardReference: UInt64] = [:]
    /// The newest term of each lane that the shard knows of, whoever led in it.
    private var terms = [UInt64](repeating: 0, count: Lane.count)
    /// The lanes that no shard leads just now, and the messages for them.
    var limbo = Limbo() { didSet { noticeUnusual() } }
    /// A bit for each lane.
    private(set) var lanesWithRecords: UInt64 = 0
    /// True if somebody waits for a record and no acknowledgement of a client can make that needless.
    var isUrgent = false
    /// Receipts that other shards owe, by their numbers.
    private var awaited: [UInt64: Awaited] = [:]
    /// The number of the last message that was handed over, or held until it can be.
    private var lastHandOver: UInt64
    /// What this shard refuses of the messages of others.
    var refusals = Refusals()

    /// Until when this shard may acknowledge what relies on its knowing the interest of all nodes.
    var lease = Lease() { didSet { noticeUnusual() } }
    /// SUBSCRIBEs whose SUBACK waits for the lease alone, and for each lane the hand-overs that wait for it.
    private var unacknowledged: [Requester] = []
    private var heldOutboxes: [Lane] = []

    /// Connections that have transient sessions without the leaders of their lanes having said so.
    var letIn: [ConnectionReference: Claim] = [:]

    /// Why nothing new is kept; `nil` while it is.
    var suspension: Suspension? { didSet { noticeUnusual() } }
    /// Connections with messages that are not taken, which are taken in turn once the suspension is over.
    var untaken: Deque<Connection> = [] { didSet { noticeUnusual() } }
    /// False as long as every message is taken as it comes, while the lease lasts.
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

    /// Who leads a lane, and in which term: of two, the one with the higher term does.
    struct Lead {
        let shard: ShardReference
        let term: UInt64
    }

    /// A receipt that another shard owes.
    struct Awaited {
        let receipt: Receipt
        let shard: ShardReference
        /// What was handed over, with the lanes that it waits for: they may get another leader. `nil` where another shard has the message,
        /// and without a cluster.
        var message: Limbo.Message?
    }

    /// - Parameters:
    ///   - isLogging: false if nothing outlives the process.
    ///   - lastHandOver: the first message that is handed over has the next number.
    ///   - leaders: the index of the shard of this node that leads each lane for ever; `nil` if that is yet to be told.
    init(isLogging: Bool, lastHandOver: UInt64 = 0, leaders: ((Lane) -> Int)?) {
        self.isLogging = isLogging
        self.lastHandOver = lastHandOver
        self.leaders = Lane.all.map { lane in
            leaders.map { Lead(shard: ShardReference(shard: $0(lane)), term: 0) }
        }
        if leaders == nil { limbo = Limbo(unknown: .max) }
        logs = isLogging ? Array(repeating: LaneLog(isShared: leaders == nil), count: Lane.count) : []
    }

    subscript(lane: Lane) -> LaneLog {
        _read { yield logs[Int(lane.number)] }
        _modify { yield &logs[Int(lane.number)] }
    }

    // MARK: - Leaders

    /// The shard that leads a lane; `nil` while none does, as far as this one knows.
    func leader(of lane: Lane) -> ShardReference? { leaders[Int(lane.number)]?.shard }

    /// The newest term of a lane: that in which it is led, or was led last.
    func term(of lane: Lane) -> UInt64 { terms[Int(lane.number)] }

    /// The lanes that a shard leads, a bit for each.
    func led(by shard: ShardReference) -> UInt64 { ledBy[shard] ?? 0 }

    /// The lanes that a node leads, a bit for each.
    func led(byNode node: UInt8) -> UInt64 {
        ledBy.reduce(0) { $1.key.node == node ? $0 | $1.value : $0 }
    }

    /// The shards that lead lanes.
    var leadingShards: Set<ShardReference> { Set(leaders.compactMap { $0?.shard }) }

    /// True if every lane is led.
    var isEachLed: Bool { leaders.allSatisfy { $0 != nil } }

    mutating func setLead(_ lead: Lead?, of lane: Lane) {
        if let before = leaders[Int(lane.number)] { ledBy[before.shard, default: 0] &= ~lane.bit }
        leaders[Int(lane.number)] = lead
        guard let lead else { return }
        ledBy[lead.shard, default: 0] |= lane.bit
        terms[Int(lane.number)] = max(terms[Int(lane.number)], lead.term)
    }

    /// The log of a lane begins anew, to be restored.
    mutating func reset(_ lane: Lane) -> LaneLog {
        lanesWithRecords &= ~lane.bit
        // Of an outbox that begins anew: whoever leads the lane next hands over what is in the log.
        heldOutboxes.removeAll { $0 == lane }
        var log = LaneLog(isShared: true)
        swap(&log, &logs[Int(lane.number)])
        return log
    }

    // MARK: - Records

    /// True if there are records that no batch has taken.
    var hasRecords: Bool { lanesWithRecords != 0 }

    /// True if there are such records of lanes; a bit for each lane.
    func hasRecords(of set: UInt64) -> Bool { lanesWithRecords & set != 0 }

    mutating func append(_ record: LaneRecord, to lane: Lane) {
        logs[Int(lane.number)].append(record)
        lanesWithRecords |= lane.bit
    }

    /// Takes the batches of lanes, those of a lane in their order.
    ///
    /// - Parameter set: a bit for each lane.
    mutating func take(_ age: LaneBatch.Age, of set: UInt64 = .max, now: Instant) -> [LaneBatch] {
        var taken: [LaneBatch] = []
        var lanes = lanesWithRecords & set
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
        if age == .any, lanesWithRecords == 0 { isUrgent = false }
        return taken
    }

    /// Another shard owes `receipt` an answer under the number that is returned.
    mutating func awaitStored(_ receipt: Receipt, by shard: ShardReference, _ message: Limbo.Message? = nil) -> UInt64 {
        let number = nextHandOver()
        receipt.remaining += 1
        var message = message
        message?.number = number
        awaited[number] = Awaited(receipt: receipt, shard: shard, message: message)
        return number
    }

    /// A number for a message that is handed over, or held until it can be.
    mutating func nextHandOver() -> UInt64 {
        lastHandOver += 1
        return lastHandOver
    }

    /// Takes what the shards of a node owe, in the order in which it was handed over.
    mutating func takeAwaited(ofNode node: UInt8) -> [Awaited] {
        let numbers = awaited.filter { $0.value.shard.node == node }.keys.sorted()
        return numbers.compactMap { awaited.removeValue(forKey: $0) }
    }

    // MARK: - Segments

    /// A segment of a session's queue is being fetched.
    mutating func fetch(_ segment: UInt64, of session: Session) { fetching[segment] = session }

    /// The session that a segment was fetched for.
    mutating func takeFetching(_ segment: UInt64) -> Session? { fetching.removeValue(forKey: segment) }

    /// A segment is not needed any more.
    mutating func remove(_ segment: QueueSegment, of lane: Lane) { self[lane].remove(segment.number) }

    /// False as long as every message is taken as it comes: the one test of a PUBLISH at QoS 1 or 2.
    func isUnusual(_ now: NIODeadline) -> Bool { isUnusual || now >= lease.end }

    private mutating func noticeUnusual() {
        isUnusual = suspension != nil || !untaken.isEmpty || !quarantined.isEmpty || !limbo.isEmpty || lease.isLost
    }

    // MARK: - What waits for the lease

    mutating func holdAcknowledgement(of requester: Requester) { unacknowledged.append(requester) }

    mutating func takeUnacknowledged() -> [Requester] {
        defer { unacknowledged = [] }
        return unacknowledged
    }

    mutating func holdOutbox(of lane: Lane) { heldOutboxes.append(lane) }

    mutating func takeHeldOutboxes() -> [Lane] {
        defer { heldOutboxes = [] }
        return heldOutboxes
    }

    /// What `shard` owes under a number; `nil` if it owes nothing under it.
    func awaited(_ number: UInt64, by shard: ShardReference) -> Awaited? {
        awaited[number].flatMap { $0.shard == shard ? $0 : nil }
    }

    /// What `shard` owed under a number; `nil` if it owes nothing under it.
    mutating func takeAwaited(_ number: UInt64, by shard: ShardReference) -> Awaited? {
        guard awaited[number]?.shard == shard else { return nil }
        return awaited.removeValue(forKey: number)
    }

    /// Lanes have another leader, or have refused a message. Returns the messages that they have not said to keep, each with these lanes only.
    ///
    /// - Parameter number: of the message that they have refused; 0 if they have another leader. Earlier ones they have taken.
    /// - Returns: also the receipts for which nothing is owed any more, since all lanes of the message have moved.
    mutating func takeMoved(
        _ lanes: UInt64,
        from number: UInt64
    ) -> (messages: [Limbo.Message], settled: [Receipt]) {
        var moved: [Limbo.Message] = []
        var settled: [Receipt] = []
        let refused = number
        for (number, entry) in awaited where number >= refused {
            guard var message = entry.message, message.lanes & lanes != 0 else { continue }
            if message.lanes & ~lanes == 0 {
                awaited[number] = nil
                settled.append(entry.receipt)
            } else {
                awaited[number]?.message?.lanes &= ~lanes
            }
            message.lanes &= lanes
            moved.append(message)
        }
        return (moved.sorted { $0.number < $1.number }, settled)
    }

    /// True if it is not known whether lanes have kept a message that was handed over before another one.
    func isOwed(_ lanes: UInt64, before number: UInt64) -> Bool {
        awaited.contains { $0.key < number && ($0.value.message?.lanes ?? 0) & lanes != 0 }
    }

    var awaitedCount: Int { awaited.count }
}
