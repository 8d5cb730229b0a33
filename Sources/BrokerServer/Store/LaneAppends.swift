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
    private var octets = 0
    private var alive = 0
    private var writtenAgain = 0
    /// The cleaning that is under way; `nil` without one.
    private var cleaning: CleaningRound?

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
    var wantsCleaning: Bool { cleaning == nil && octets > 2 * alive + Self.slack }

    /// True while there is a cleaning: appends take all records then.
    var isCleaning: Bool { cleaning != nil }

    /// True if the cleaning may write more, since what it has written is stored.
    var mayClean: Bool { cleaning.map { !$0.isWritten && $0.isStored } ?? false }

    /// What the shard logs from here on is enough to restore the lanes that it leads, a bit for each.
    func beginCleaning(led: UInt64) {
        cleaning = CleaningRound(led: led, underWay: ~idle)
        octets = 0
        writtenAgain = 0
    }

    /// - Parameter lanes: those with records that no append has taken, a bit for each.
    func wroteAgain(_ written: (octets: Int, isDone: Bool), to lanes: UInt64) {
        writtenAgain += written.octets
        cleaning?.wrote(to: lanes, isDone: written.isDone)
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
