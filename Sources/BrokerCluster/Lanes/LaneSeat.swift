import NIOCore

/// One lane that a loop takes or leads, and who waits for it.
final class LaneSeat {
    enum State {
        /// Another run serves the lane, which is read ahead of its taking.
        case readingAhead
        case taking(LaneTaker)
        /// The term record is stored, and what is before it is being replayed.
        case replaying
        case leading(LaneAppender)
    }

    let lane: Int
    let leader: LaneLeader
    var state = State.readingAhead
    /// What is read of the lane; `nil` before that.
    var reader: LaneReader?
    /// Whom a replay and the end of taking are told.
    let replay: (ByteBuffer) -> Void
    let taken: EventLoopPromise<Result<LaneTerm, LaneFailure>>
    /// Who waits for the batch in flight, and its octets.
    var appending: (promise: EventLoopPromise<Result<LanePosition, LaneFailure>>, octets: Int)?
    var health = LaneHealth.serving
    /// The position before which everything is to be deleted, and whether JetStream was asked to.
    var purge: UInt64 = 0
    var isPurging = false

    init(
        _ lane: Int,
        as leader: LaneLeader,
        replay: @escaping (ByteBuffer) -> Void,
        taken: EventLoopPromise<Result<LaneTerm, LaneFailure>>
    ) {
        self.lane = lane
        self.leader = leader
        self.replay = replay
        self.taken = taken
    }

    var isReadingAhead: Bool { if case .readingAhead = state { true } else { false } }

    /// True until there is a term record that a replay can begin with.
    var isTaking: Bool { if case .taking = state { reader == nil } else { false } }

    var appender: LaneAppender? { if case .leading(let appender) = state { appender } else { nil } }

    func status(_ now: NIODeadline) -> LaneStatus? {
        guard let appender else { return nil }
        return LaneStatus(
            term: appender.term,
            health: health,
            position: appender.position,
            waiting: appender.since.map { now - $0 }
        )
    }
}
