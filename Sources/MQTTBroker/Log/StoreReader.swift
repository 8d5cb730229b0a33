import DequeModule
import MQTTCodec
package import NIOCore

/// Reads the commits of a store, and then says what they make: all of it is in memory meanwhile, as it is in a broker.
package struct StoreReader: ~Copyable {
    private var shard: Shard
    private let now: Instant

    /// - Parameters:
    ///   - now: the clocks; if the wall clock was set back, no time has passed since a commit was made.
    ///   - random: of no meaning for what is read.
    package init(now: Instant, random: any RandomNumberGenerator) {
        self.now = now
        var limits = Limits()
        // What was kept within other bounds is kept.
        limits.maximumRetainedMessages = .max
        limits.maximumRetainedBytes = .max
        shard = Shard(
            index: 0,
            count: 1,
            limits: SharedLimits(limits),
            isLogging: true,
            random: random
        )
    }

    /// Reads the next commit.
    package mutating func read(_ commit: ByteBuffer) throws(LaneBatchError) {
        var rest = commit
        while let batch = try LaneBatch.read(from: &rest, now: now) { shard.restore(batch, now: now) }
    }

    /// Forgets what was read of a lane, whose log was written again meanwhile: its commits come anew.
    package mutating func forget(lane: Int) { shard.clear(lane: lane) }

    /// Says what the commits make, in an order that follows from it. Nothing more is to be read.
    ///
    /// - Parameter segment: reads a segment of a queue.
    package mutating func forEach(
        segment: (UInt64) throws -> ByteBuffer?,
        _ body: (StoredItem) throws -> Void
    ) throws {
        shard.mergeRestoredStreams()
        for lane in Lane.all {
            let outbox = shard.lanes[lane].outbox
            let sources = shard.lanes[lane].sources.map { ($0.number, $1) }
            if outbox.lastNumber == 0, sources.isEmpty { continue }
            let sourcesByNumber = Dictionary(sources) { max($0, $1) }
            try body(.lane(StoredLane(number: lane.number, passed: outbox.lastPassed, sources: sourcesByNumber)))
            for entry in outbox.entries {
                let message = Message(
                    copying: EncodedPublish(entry.publish),
                    qos: entry.publish.qos,
                    expiry: entry.expiry
                )
                guard let stored = StoredMessage(message, retain: entry.publish.retain, now: now) else { continue }
                let number = entry.number
                try body(
                    .outgoing(
                        StoredOutgoing(lane: lane.number, number: number, publisher: entry.publisher, message: stored)
                    )
                )
            }
        }
        let sessions = shard.recovery.sessions.filter { $0.parent == nil }
        for session in sessions.sorted(by: { $0.clientIdentifier < $1.clientIdentifier }) {
            guard let absence = session.lane.flatMap({ shard.recovery[$0].absences[session.number] }) else { continue }
            try tell(session, absence, segment, body)
        }
        try tellRetained(body)
    }

    private func tell(
        _ session: Session,
        _ absence: Recovery.Absence,
        _ segment: (UInt64) throws -> ByteBuffer?,
        _ body: (StoredItem) throws -> Void
    ) throws {
        let client = session.clientIdentifier.string
        var stored = StoredSession(client: client, expiryInterval: session.expiryInterval)
        stored.awaySince = absence.since
        stored.will = absence.will
        if absence.will != nil, absence.since != nil { stored.willDue = absence.due }
        stored.subscriptions = session.subscriptions.sorted { $0.key.key < $1.key.key }.map { filter, subscription in
            .init(filter: filter.key.string, options: subscription.options, identifier: subscription.identifier)
        }
        stored.received = session.awaitingRelease.sorted()
        stored.orphaned = Array(session.orphans.identifiers)
        try body(.session(stored))
        for entry in session.outgoing.window.entries {
            let content = entry.queued.flatMap { self.content($0) }
            if content == nil, entry.message != nil { continue }
            try body(
                .delivery(StoredDelivery(client: client, packetIdentifier: entry.identifier, content: content))
            )
        }
        let queue = session.outgoing.queue
        for entry in queue.entries { try tell(entry, of: client, body) }
        for place in queue.segments {
            let octets = try segment(place.number) ?? ByteBuffer()
            let entries = try StoredSegment.entries(of: place.number, in: octets, now: now)
            for entry in entries.dropFirst(place.left) { try tell(entry, of: client, body) }
        }
        for entry in queue.newest { try tell(entry, of: client, body) }
    }

    /// Says that a message waits in a queue.
    private func tell(_ entry: MessageQueue.Entry, of client: String, _ body: (StoredItem) throws -> Void) throws {
        guard let content = content(entry) else { return }
        try body(.delivery(StoredDelivery(client: client, packetIdentifier: nil, content: content)))
    }

    /// `nil` for a message that no packet can hold.
    private func content(_ entry: MessageQueue.Entry) -> StoredDelivery.Content? {
        StoredMessage(entry.message, retain: false, now: now).map {
            StoredDelivery.Content(
                message: $0,
                qos: entry.qos,
                retain: entry.retain,
                subscriptionIdentifiers: entry.identifiers
            )
        }
    }

    private mutating func tellRetained(_ body: (StoredItem) throws -> Void) throws {
        var lookUp = RetainedLookUp(ofAll: shard.retained)
        var messages: [Message] = []
        while !lookUp.isDone {
            var steps = 1_000
            messages += lookUp.advance(by: &steps, in: shard.retained, now: now).map(\.message)
        }
        messages.sort {
            $0.encoded.topic.readableBytesView.lexicographicallyPrecedes($1.encoded.topic.readableBytesView)
        }
        for message in messages {
            if let stored = StoredMessage(message, retain: true, now: now) { try body(.retained(stored)) }
        }
    }
}

extension UTF8Key: Comparable {
    /// By octets.
    package static func < (lhs: Self, rhs: Self) -> Bool {
        lhs.string.utf8.lexicographicallyPrecedes(rhs.string.utf8)
    }
}
