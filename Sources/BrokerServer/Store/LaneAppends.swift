import BrokerCluster
import MQTTBroker
import NIOCore

/// The commits of one shard in a cluster: each lane that the shard leads has a log of its own in JetStream, and one append to it is under
/// way at a time, so that what comes meanwhile goes into the next.
///
/// Confined to the shard's event loop.
final class LaneAppends {
    private let streams: LaneStreams
    /// The batches that are being appended, by lane.
    private var underWay: [Int: [LaneBatch]] = [:]
    /// The lanes that nothing is being appended to, a bit for each.
    private(set) var idle: UInt64 = .max
    /// True while records wait for acknowledgements that may make an append needless.
    var isDelayed = false

    /// Octets since the last cleaning began, and those that it wrote: what was alive.
    private(set) var octets = 0
    private var alive = 0
    private var writtenAgain = 0
    /// The cleaning that is under way; `nil` without one.
    private var cleaning: CleaningRound?

    /// Why nothing new is kept; `nil` while it is.
    private(set) var suspension: Suspension?
    /// Octets that each stream has room for; empty while that is not known.
    private var free: [Int] = []
    /// False if what cleaning would write had no room when that was looked at.
    private var hasRoomToClean = true
    private var measured = NIODeadline.uptimeNanoseconds(0)
    /// True if the logs are to be cleaned for want of space.
    private var isAskedToClean = false

    /// How often it is looked whether there is room for cleaning, once there was not.
    static let measuring = TimeAmount.seconds(5)
    /// How long records wait that nobody waits for.
    static let delay = TimeAmount.milliseconds(1)
    /// Octets that the logs may grow by beyond twice what is alive.
    static let slack = 1_048_576
    /// Octets that a step of cleaning writes, about.
    static let cleaningOctets = 131_072

    init(_ streams: LaneStreams) { self.streams = streams }

    var isIdle: Bool { underWay.isEmpty }

    /// Appends batches to their lanes, which are idle.
    ///
    /// - Parameter completion: is told of each lane whether its batches are stored.
    func begin(
        _ batches: [LaneBatch],
        now: Instant,
        _ completion: @escaping (_ lane: Int, _ batches: [LaneBatch], LaneFailure?) -> Void
    ) {
        var byLane: [Int: [LaneBatch]] = [:]
        for batch in batches { byLane[batch.lane.index, default: []].append(batch) }
        cleaning?.took(idle, appending: byLane.keys.reduce(0) { $0 | 1 << UInt64($1) })
        for (lane, batches) in byLane {
            underWay[lane] = batches
            idle &= ~(1 << UInt64(lane))
            var commit = ByteBuffer()
            for batch in batches { batch.write(to: &commit, now: now) }
            octets += commit.readableBytes
            append(LanePiece.pieces(of: commit)[...], to: lane, first: nil, completion)
        }
    }

    private func append(
        _ pieces: ArraySlice<ByteBuffer>,
        to lane: Int,
        first: LanePosition?,
        _ completion: @escaping (_ lane: Int, _ batches: [LaneBatch], LaneFailure?) -> Void
    ) {
        guard let piece = pieces.first else { return }
        streams.append(piece, to: lane).assumeIsolated().whenSuccess { result in
            switch result {
            case .success(let position):
                let first = first ?? position
                if pieces.count > 1 {
                    self.append(pieces.dropFirst(), to: lane, first: first, completion)
                } else {
                    self.end(lane, first, completion, nil)
                }
            case .failure(let failure): self.end(lane, nil, completion, failure)
            }
        }
    }

    private func end(
        _ lane: Int,
        _ first: LanePosition?,
        _ completion: (_ lane: Int, _ batches: [LaneBatch], LaneFailure?) -> Void,
        _ failure: LaneFailure?
    ) {
        let batches = underWay.removeValue(forKey: lane) ?? []
        idle |= 1 << UInt64(lane)
        if let first { cleaning?.stored(lane, at: first) } else { left(lane) }
        completion(lane, batches, failure)
    }

    // MARK: - Cleaning

    /// True if the logs hold more than they should of what is not alive.
    var wantsCleaning: Bool {
        cleaning == nil && hasRoomToClean && (isAskedToClean || octets > 2 * alive + Self.slack)
    }

    /// True while there is a cleaning: appends take all records then.
    var isCleaning: Bool { cleaning != nil }

    /// True if the cleaning may write more, since what it has written is stored.
    var mayClean: Bool { cleaning.map { !$0.isWritten && $0.isStored } ?? false }

    /// What the shard logs from here on is enough to restore the lanes that it leads, a bit for each.
    func beginCleaning(led: UInt64) {
        cleaning = CleaningRound(led: led, underWay: ~idle)
        isAskedToClean = false
        octets = 0
        writtenAgain = 0
    }

    /// - Parameter lanes: those with records that no append has taken, a bit for each.
    func wroteAgain(_ written: (octets: Int, isDone: Bool), to lanes: UInt64) {
        writtenAgain += written.octets
        cleaning?.wrote(to: lanes, isDone: written.isDone)
    }

    /// A lane that the shard leads now has had so many octets in its log.
    func replayed(octets count: Int) { octets += count }

    /// JetStream has said how much room each stream has.
    func learned(free: [Int], _ suspension: Suspension?, _ now: NIODeadline) {
        if suspension != nil, self.suspension == nil { hasRoomToClean = true }
        if now - measured >= Self.measuring { hasRoomToClean = true }
        (self.free, self.suspension) = (free, suspension)
        if suspension != nil, octets > alive + Self.slack { isAskedToClean = true }
    }

    /// True if there is room even for all that the shard has logged, so that nobody has to look how much of that is alive.
    ///
    /// - Parameter led: the lanes that the shard leads, a bit for each.
    func hasAmpleRoom(led: UInt64) -> Bool { alive + octets <= room(led: led).min() ?? .max }

    /// Looks whether what cleaning would write has room. A cleaning that stops halfway would free nothing.
    ///
    /// - Parameter aliveOctets: what it would write, of each lane.
    func measure(aliveOctets: [Int], led: UInt64, _ now: NIODeadline) -> Bool {
        let alive = Self.byStream(aliveOctets)
        measured = now
        hasRoomToClean = zip(alive, room(led: led)).allSatisfy { $0 == 0 || $0 <= $1 }
        return hasRoomToClean
    }

    /// Octets that cleaning may write to each stream: half of its room is left for what clients send meanwhile, and each lane of the stream,
    /// whoever leads it, has an equal share of the rest.
    private func room(led: UInt64) -> [Int] {
        let lanes = Self.byStream((0..<Lane.count).map { led >> UInt64($0) & 1 == 1 ? 1 : 0 })
        return zip(free, lanes).map { $0 == .max ? .max : $0 / 2 / LaneSubjects.lanesOfStream * $1 }
    }

    private static func byStream(_ lanes: [Int]) -> [Int] {
        var streams = [Int](repeating: 0, count: LaneSubjects.streams)
        for (lane, count) in lanes.enumerated() { streams[LaneSubjects.stream(of: lane)] += count }
        return streams
    }

    /// The shard is about to lead a lane, or does not lead it any more.
    func left(_ lane: Int) { cleaning?.left(lane) }

    /// Deletes what is not needed once all that cleaning has written is stored.
    ///
    /// - Parameter led: the lanes that the shard leads, a bit for each.
    func finishCleaning(led: UInt64) {
        guard let cleaning, cleaning.isWritten, cleaning.isStored else { return }
        for (lane, position) in cleaning.needless(led: led) { streams.purge(lane, before: position) }
        self.cleaning = nil
        alive = writtenAgain
    }
}
