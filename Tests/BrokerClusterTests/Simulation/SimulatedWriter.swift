import BrokerCluster
import NIOCore

/// A run of a node in the simulation: it takes the lane, appends batch after batch, and takes it again when it was fenced.
struct SimulatedWriter {
    let leader: LaneLeader
    let limits: LaneLimits
    var taker: LaneTaker?
    var appender: LaneAppender?
    /// Counts what is under way, so that the answer to what was given up is nobody's.
    var token = 0
    /// A process that is paused does nothing before.
    var pausedUntil = NIODeadline.uptimeNanoseconds(0)
    var counters = LaneCounters()

    private var batches = 0
    /// The batch in flight.
    private(set) var inFlight: ByteBuffer?
    /// Batches that were acknowledged, and where they are.
    private(set) var acknowledged: [(batch: ByteBuffer, position: UInt64)] = []
    private(set) var terms: [LaneTerm] = []
    private(set) var failures: [LaneFailure] = []

    init(node: Int, limits: LaneLimits) {
        leader = LaneLeader(node: node, run: UInt64(node) * 100)
        self.limits = limits
    }

    var isIdle: Bool { taker == nil && inFlight == nil }
    var leads: Bool { appender != nil }

    mutating func take(_ now: NIODeadline) -> LaneStep<LaneTaker.Outcome> {
        let taker = LaneTaker(7, as: leader, name: "node \(leader.node)", limits: limits, now)
        self.taker = taker
        appender = nil
        return taker.resume(now)
    }

    /// The next batch, which nobody else ever appends.
    mutating func append(_ now: NIODeadline) -> LaneStep<LaneAppender.Outcome>? {
        batches += 1
        let batch = ByteBuffer(string: "node \(leader.node), batch \(batches)")
        inFlight = batch
        return appender?.append(batch, now)
    }

    mutating func finished(_ outcome: LaneTaker.Outcome) {
        taker = nil
        switch outcome {
        case .success(let term):
            terms.append(term)
            appender = LaneAppender(term, as: leader, limits: limits)
        case .failure(let failure): failures.append(failure)
        }
    }

    mutating func finished(_ outcome: LaneAppender.Outcome) {
        defer { inFlight = nil }
        switch outcome {
        case .success(let position):
            if let inFlight { acknowledged.append((inFlight, position.sequence)) }
        case .failure(let failure):
            failures.append(failure)
            appender = nil
        }
    }
}
