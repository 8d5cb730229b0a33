import NATSClient
import NIOCore

/// One replay of a stream for all of its lanes that are taken at the same time, on the loop of its owner.
final class LaneReplay {
    private let lanes: LaneStreams
    private var seats: [ByteBuffer: LaneSeat] = [:]
    private var replay: Replay?
    private var lastProgress = NIODeadline.now()
    private var timer: Scheduled<Void>?
    /// True once nearly everything has come.
    private var isNearlyCurrent = false

    init(_ lanes: LaneStreams, _ seats: [LaneSeat]) {
        self.lanes = lanes
        for seat in seats { self.seats[lanes.subjects.subject(of: seat.lane).octets] = seat }
    }

    func begin(_ stream: String, _ client: NATSClient) {
        let filters = seats.keys.map { String(buffer: $0) }.sorted()
        replay = client.replay(OrderedConsumer(stream: stream, filters: filters, start: .first)) { event in
            switch event {
            case .message(let message): self.receive(message)
            case .current: self.becomeNearlyCurrent()
            case .refused(let error): self.failAll("\(error)")
            }
        }
        watch()
    }

    private func receive(_ message: StoredMessage) {
        lastProgress = .now()
        if let seat = seats[message.publication.subject],
            let step = seat.reader?.receive(message.publication.payload, at: message.sequence)
        {
            lanes.carryOut(step, seat)
        }
        if message.pending <= lanes.configuration.limits.tail { becomeNearlyCurrent() }
    }

    /// Lanes that are read ahead can be taken: little is left to be replayed while nobody serves them.
    private func becomeNearlyCurrent() {
        guard !isNearlyCurrent else { return }
        isNearlyCurrent = true
        for seat in seats.values where seat.isReadingAhead { lanes.beginTaking(seat) }
    }

    /// The lane is complete, has failed or was released.
    func leave(_ seat: LaneSeat) {
        let subject = lanes.subjects.subject(of: seat.lane).octets
        guard seats[subject] === seat else { return }
        seats[subject] = nil
        guard seats.isEmpty else { return }
        replay?.stop()
        replay = nil
        timer?.cancel()
        lanes.ended(self)
    }

    private func failAll(_ detail: String) {
        for seat in seats.values { lanes.fail(seat, .unavailable(detail)) }
    }

    /// Gives a replay up that does not go on.
    private func watch() {
        let due = lastProgress + lanes.configuration.limits.takeTimeout
        timer = lanes.eventLoop.assumeIsolated().scheduleTask(deadline: due) {
            guard self.replay != nil else { return }
            let isLate = NIODeadline.now() >= self.lastProgress + self.lanes.configuration.limits.takeTimeout
            if isLate { self.failAll("the replay does not go on: JetStream does not answer") } else { self.watch() }
        }
    }
}
