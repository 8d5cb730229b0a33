package import NIOCore

/// Replays a stream in order and without gaps, without IO: deliveries go in, and messages come out. What is missing, or a consumer that
/// is not heard of any more, makes it begin a new one behind the last message.
package struct OrderedConsumer {
    package let stream: String
    /// Subjects, perhaps with wildcards; none is all.
    package let filters: [String]
    private var start: ReplayStart
    /// How often the server tells that it is there when it has nothing to deliver.
    package let heartbeat: Duration

    /// The sequence of the last message that came out.
    package private(set) var lastSequence: UInt64 = 0
    /// Deliveries of the present consumer.
    private var deliveries: UInt64 = 0
    private var lastHeard = NIODeadline.distantFuture
    /// True once everything that was stored when it began came out.
    private var isCurrent = false

    /// So many heartbeats without anything, and the consumer is given up.
    private static let missedHeartbeats: Int64 = 3

    package init(stream: String, filters: [String], start: ReplayStart, heartbeat: Duration = .seconds(1)) {
        self.stream = stream
        self.filters = filters
        self.start = start
        self.heartbeat = heartbeat
    }

    package enum Event: Equatable, Sendable {
        case message(StoredMessage)
        /// Everything that was stored when the replay began came out. It comes once.
        case current
        /// Publish nothing to a subject, so that the server goes on.
        case goOn(ByteBuffer)
        /// Begin a new consumer, on a new subject.
        case restart
    }

    /// Begins a consumer that delivers to a subject which nothing was ever delivered to.
    package mutating func begin(deliverTo subject: Subject, _ now: NIODeadline) -> JetStreamRequest<ConsumerInfo> {
        deliveries = 0
        lastHeard = now
        if lastSequence > 0 { start = .sequence(lastSequence + 1) }
        let configuration = ConsumerConfiguration(
            deliverSubject: subject.description,
            filters: filters,
            start: start,
            heartbeat: heartbeat
        )
        return .create(configuration, of: stream)
    }

    /// The server has created the consumer.
    package mutating func begun(_ info: ConsumerInfo, _ now: NIODeadline) -> [Event] {
        lastHeard = now
        return info.pending == 0 && deliveries == 0 ? becomeCurrent() : []
    }

    /// Takes what came on the subject of the present consumer.
    package mutating func receive(_ publication: Publication, _ now: NIODeadline) -> [Event] {
        lastHeard = now
        if let message = StoredMessage(publication) {
            guard message.delivery == deliveries + 1 else { return [.restart] }
            deliveries += 1
            guard message.sequence > lastSequence else { return [] }
            lastSequence = message.sequence
            return [.message(message)] + (message.pending == 0 ? becomeCurrent() : [])
        }
        guard let headers = publication.headers, let status = headers.status else { return [] }
        guard status == 100 else { return [.restart] }
        // A request of flow control comes as a reply subject, and again in heartbeats while it was not answered.
        if let reply = publication.replyTo { return [.goOn(reply)] }
        var events: [Event] = []
        if let last = headers.value(of: "Nats-Last-Consumer").flatMap(UInt64.init), last > deliveries {
            return [.restart]
        }
        if let stalled = headers.value(of: "Nats-Consumer-Stalled").flatMap(Subject.init) {
            events.append(.goOn(stalled.octets))
        }
        return events
    }

    /// When `advance` has something to do.
    package var nextDeadline: NIODeadline {
        lastHeard == .distantFuture
            ? lastHeard : lastHeard + .nanoseconds(heartbeat.nanoseconds * Self.missedHeartbeats)
    }

    package mutating func advance(_ now: NIODeadline) -> [Event] {
        guard now >= nextDeadline else { return [] }
        lastHeard = now
        return [.restart]
    }

    private mutating func becomeCurrent() -> [Event] {
        guard !isCurrent else { return [] }
        isCurrent = true
        return [.current]
    }
}
