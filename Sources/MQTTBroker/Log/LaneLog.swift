import DequeModule
import MQTTCodec

/// The log of a lane that the shard leads: the records that no batch has taken yet, what waits for the commit of which batch, and the
/// lane's outbox.
struct LaneLog {
    /// The position of the last batch that was taken.
    private(set) var sealed: UInt64 = 0
    /// The position up to which batches are committed.
    private(set) var committed: UInt64 = 0
    /// Records since the last of `aged`.
    private var young: [LaneRecord] = []
    /// Records that were there at the last call of `takeAged`.
    private var aged: [LaneRecord] = []
    /// True if the lane may get another leader: then what is being committed is remembered.
    let isShared: Bool
    /// Messages of the batches that are being committed and that somebody waits for.
    private var underWay: [LoggedMessage] = []
    private var waiters: Deque<(position: UInt64, waiter: Waiter)> = []
    private var lastSession: UInt64 = 0
    private var lastSegment: UInt64 = 0
    private var segments: [StoredSegment] = []
    private var removedSegments: [UInt64] = []
    var outbox = Outbox()
    /// The newest number of each other lane's outbox that the lane keeps or has kept.
    var sources: [Lane: UInt64] = [:]
    /// The newest number of each lane's outbox of the messages that the lane has retained, in a cluster: an older one that comes later, from the
    /// shard that led that lane before, does not take the newer one's place.
    var retainedSources: [Lane: UInt64] = [:]

    init(isShared: Bool = false) { self.isShared = isShared }

    /// What goes on after a commit.
    enum Waiter {
        /// The receipt waits for a message of the lane's outbox.
        case receipt(Receipt)
        /// The receipt waits for a message that has come before, from the same outbox by another shard, and whose commit is due.
        indirect case repeated(Receipt, Publish, LoggedMessage.Origin)
        /// The receipt waits for a retained message, or for the end of one.
        indirect case retained(Receipt, Publish, LoggedMessage.Origin?)
        /// The packets of a connection that wait.
        case output(Connection)
        /// What the packets of a deputy say.
        case settlement(Connection)
        indirect case attached(Session, Connection, Claim, isPresent: Bool)
        /// SUBACK.
        case subscribed(Requester)
        /// What a deputy is to say of UNSUBACK, which leaves now.
        case answer(Connection)
        /// The next message of the outbox.
        case outbox
        /// A segment of a queue that is to be fetched, once it is on disk.
        case segment(UInt64, of: Session)
    }

    /// The position of the batch with the newest record; a commit of it says that all is kept.
    var newest: UInt64 { sealed + (aged.isEmpty ? 0 : 1) + (young.isEmpty ? 0 : 1) }
    /// True if all records are committed.
    var isClean: Bool { newest <= committed }

    /// A number for a session of the lane, which no other session of the node has.
    mutating func makeSessionNumber(_ lane: Lane) -> UInt64 {
        lastSession += 1
        return lastSession << 7 | UInt64(lane.number) << 1
    }

    /// True if the number of a session is one that the lane gives out.
    static func isSession(_ number: UInt64, of lane: Lane) -> Bool { number & 0x7F == UInt64(lane.number) << 1 }

    /// What was to be kept and is not committed, once the lane has another leader.
    struct Uncommitted {
        let publish: Publish
        let origin: LoggedMessage.Origin?
        let receipt: Receipt
        let isRetained: Bool
    }

    /// Takes the messages that somebody waits for and that are not committed, in their order, and the retained ones.
    mutating func takeUncommitted() -> [Uncommitted] {
        var uncommitted: [Uncommitted] = []
        // What a shard sends again has lower numbers in its outbox than what it sends for the first time.
        for case (_, .repeated(let receipt, let publish, let origin)) in waiters {
            uncommitted.append(Uncommitted(publish: publish, origin: origin, receipt: receipt, isRetained: false))
        }
        uncommitted += (underWay.map { .message($0) } + aged + young).compactMap { Uncommitted($0) }
        underWay = []
        for case (_, .retained(let receipt, let publish, let origin)) in waiters {
            uncommitted.append(Uncommitted(publish: publish, origin: origin, receipt: receipt, isRetained: true))
        }
        aged = []
        young = []
        waiters = []
        return uncommitted
    }

    // MARK: - Segments

    /// Begins a segment of a queue, which is on disk together with the records so far.
    mutating func addSegment(_ lane: Lane, _ make: (_ number: UInt64) -> StoredSegment) -> StoredSegment {
        lastSegment = StoredSegment.number(after: lastSegment, of: lane)
        let segment = make(lastSegment)
        segments.append(segment)
        return segment
    }

    /// No message of a segment is needed any more once the records so far are committed.
    mutating func remove(_ segment: UInt64) { removedSegments.append(segment) }

    /// True if segments are to be written or deleted.
    var hasSegments: Bool { !segments.isEmpty || !removedSegments.isEmpty }

    /// Gives a batch the segments that are to be written with it: those of later records are not too early. The deleted ones wait until
    /// all records so far are taken.
    mutating func takeSegments(for batch: inout LaneBatch) {
        swap(&batch.segments, &segments)
        if !hasRecords { swap(&batch.removedSegments, &removedSegments) }
    }

    /// True if there are records that no batch has taken.
    var hasRecords: Bool { !young.isEmpty || !aged.isEmpty }

    mutating func append(_ record: LaneRecord) { young.append(record) }

    /// `waiter` waits for the commit of all records so far.
    mutating func wait(_ waiter: Waiter) { waiters.append((newest, waiter)) }

    /// Takes the records for a batch that were there at the last call, without messages that nobody gets any more; `nil` if there were
    /// none. A second call takes the others, which had less time to become needless.
    mutating func takeAged() -> (position: UInt64, records: [LaneRecord])? {
        var taken: [LaneRecord] = []
        swap(&taken, &aged)
        swap(&aged, &young)
        if taken.isEmpty { return nil }
        sealed += 1
        taken.removeAll { record in
            guard case .message(let message) = record else { return false }
            message.isSealed = true
            if isShared, message.receipt != nil, !message.targets.isEmpty { underWay.append(message) }
            return message.targets.isEmpty
        }
        return (sealed, taken)
    }

    /// Takes the next of those that waited for a commit up to `position`.
    mutating func popWaiter() -> Waiter? {
        guard let first = waiters.first, first.position <= committed else { return nil }
        waiters.removeFirst()
        return first.waiter
    }

    mutating func commit(upTo position: UInt64) {
        committed = max(committed, position)
        if committed == sealed { underWay = [] }
    }

    // MARK: - Recovery

    /// A batch of an earlier run was read.
    mutating func restore(position: UInt64) {
        sealed = position
        committed = position
    }

    mutating func restore(segment number: UInt64) { lastSegment = max(lastSegment, number) }

    mutating func restore(session number: UInt64) { lastSession = max(lastSession, number >> 7) }
}

extension LaneLog.Uncommitted {
    /// The message of a record that somebody waits for; `nil` for other records.
    init?(_ record: LaneRecord) {
        guard case .message(let logged) = record, let receipt = logged.receipt,
            let publish = logged.message.publish(retain: logged.targets.contains(where: { $0.retain }))
        else { return nil }
        logged.receipt = nil
        self.init(publish: publish, origin: logged.origin, receipt: receipt, isRetained: false)
    }
}
