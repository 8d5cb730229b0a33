import DequeModule
package import NIOCore

// Long queues: messages of a queue that is very long, or long while all of them have too much of the memory, go to the store as segments,
// and come back when their client has fetched those before.
extension Shard {
    /// Octets in memory of messages that durable sessions wait for, or that are on their way to them.
    package var queueMemoryOctets: Int { lanes.queueMemory.octets }

    /// True while messages that durable sessions wait for have more than the shard's share of `Limits.maximumQueueMemory`.
    private var isShortOfQueueMemory: Bool { queueMemoryOctets > limits.maximumQueueMemory / count }

    /// Moves the oldest of the messages that a queue has in memory behind its segments to the store, if these are too many.
    ///
    /// - Returns: their octets, and 0 if there is nothing to move.
    @discardableResult mutating func relieve(_ session: Session, now: Instant) -> Int {
        let size = limits.queueSegmentBytes
        let octets = session.outgoing.queue.octetsBehindSegments
        guard octets >= size.lowerBound, octets > limits.maximumQueueBytesInMemory || isShortOfQueueMemory,
            let lane = session.lane, session.parent == nil, lanes.isLogging, lanes.suspension == nil,
            // The streams of a cluster have no segments.
            neighbours == nil
        else { return 0 }
        let taken = session.outgoing.queue.takeForSegment(octets: size)
        if taken.entries.isEmpty { return 0 }
        let segment = lanes[lane].addSegment(lane) { number in
            StoredSegment(number: number, taken.entries, of: session.number, in: lane, now: now)
        }
        let count = taken.entries.count
        let place = StoredSegment.Place(number: segment.number, left: 0, count: count, byteCount: taken.octets)
        lanes.append(.segmented(session.number, place, taken: place.count), to: lane)
        lanes.isUrgent = true
        session.outgoing.queue.append(QueueSegment(place))
        counters.segmentsWritten += 1
        return place.byteCount
    }

    /// Logs that a message has left the queue unsent, or as one of a segment, whose messages the log only counts.
    mutating func logDropped(_ removed: MessageQueue.Removed, of session: Session) {
        guard let lane = session.lane, removed.isLogged else { return }
        lanes.append(.dropped(session.number, count: 1), to: lane)
        if let emptied = removed.emptied { lanes.remove(emptied, of: lane) }
    }

    /// Asks for the next segment of a queue whose messages in memory go to an end, once it is committed.
    mutating func fetchSegment(of session: Session, now: Instant) {
        guard let segment = session.outgoing.queue.segmentToFetch else { return }
        segment.isAwaited = true
        whenCommitted(session.lane, .segment(segment.number, of: session), now: now)
    }

    /// The numbers of the segments that the store is to be asked for.
    package mutating func takeFetches() -> [UInt64] {
        defer { effects.fetches = [] }
        return effects.fetches
    }

    /// The store has read a segment.
    ///
    /// - Parameter octets: `nil` if the store does not have it: then its messages are lost.
    package mutating func fetched(_ number: UInt64, _ octets: ByteBuffer?, now: Instant) {
        guard let session = lanes.takeFetching(number) else { return }
        if let segment = session.outgoing.queue.segments.first(where: { $0.number == number }) {
            segment.isAwaited = false
            if session.connection != nil { arrived(segment, octets, of: session, now: now) }
        }
        // If newer messages have displaced it meanwhile, the next one is to be fetched.
        if let connection = session.connection { pump(connection, now: now) }
        drainLocal(now: now)
    }

    private mutating func arrived(_ segment: QueueSegment, _ octets: ByteBuffer?, of session: Session, now: Instant) {
        counters.segmentsFetched += 1
        let memory = lanes.queueMemory
        let entries = octets.flatMap {
            try? StoredSegment.entries(of: segment.number, in: $0, now: now, memory: memory)
        }
        if let entries, entries.count == segment.left + segment.count {
            segment.arrived(Deque(entries))
        } else {
            segment.isLost = true
            counters.segmentsLost += 1
            counters.messagesLost += UInt64(segment.count)
            tell(.messagesLost, of: session)
        }
    }

    /// Removes the segment with the oldest messages of a queue, if it could not be read.
    ///
    /// - Returns: false if there is no such segment.
    mutating func dropLostSegment(of session: Session) -> Bool {
        guard let segment = session.outgoing.queue.lostSegment else { return false }
        while segment.count > 0, let removed = session.outgoing.queue.removeFirst() {
            logDropped(removed, of: session)
        }
        return true
    }

    /// The segments of all queues, while lanes are restored; `nil` if a lane is damaged, which may have others.
    package var neededSegments: Set<UInt64>? {
        if !recovery.damaged.isEmpty || !recovery.suspected.isEmpty { return nil }
        var numbers: Set<UInt64> = []
        for session in recovery.sessions {
            for segment in session.outgoing.queue.segments { numbers.insert(segment.number) }
        }
        return numbers
    }
}
