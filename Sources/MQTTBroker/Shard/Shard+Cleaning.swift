import DequeModule
import MQTTCodec
import NIOCore

// Cleaning: a shard writes what is alive in its lanes into the log again, some at a time. Once all of it is committed, nothing before
// the first of these records is needed.
extension Shard {
    /// True while the shard writes what is alive again.
    package var isCleaning: Bool { cleaning != nil }

    /// Begins to write again what is alive. All batches that were taken are to be committed.
    package mutating func beginCleaning() {
        cleaning = LaneCleaning()
        for lane in Lane.all where lanes.leader(of: lane) == own {
            for (source, number) in lanes[lane].sources { lanes.append(.source(source, number: number), to: lane) }
            for (source, number) in lanes[lane].retainedSources {
                lanes.append(.retainedSource(source, number: number), to: lane)
            }
            let outbox = lanes[lane].outbox
            if outbox.lastNumber == 0 { continue }
            lanes.append(.passed(outbox.lastPassed), to: lane)
            for entry in outbox.entries {
                let encoded = EncodedPublish(entry.publish)
                let message = Message(copying: encoded, qos: entry.publish.qos, expiry: entry.expiry)
                let posted = LaneRecord.posted(
                    publisher: entry.publisher,
                    message,
                    retain: entry.publish.retain,
                    number: entry.number
                )
                lanes.append(posted, to: lane)
            }
        }
    }

    /// Goes on with cleaning.
    ///
    /// - Parameter octets: to write, about, and one session at least.
    /// - Returns: octets that were written, about, and true once all is written.
    package mutating func clean(octets: Int, now: Instant) -> (octets: Int, isDone: Bool) {
        guard var cleaning else { return (0, true) }
        var left = octets
        while left > 0, cleaning.place < sessions.placeCount {
            if let session = sessions.session(at: cleaning.place), session.lane != nil {
                // While CONNACK waits for a commit, the session is neither what it was nor what it will be.
                if let connection = session.connection, connection.state != .connected { break }
                let segment = relieve(session, in: &cleaning, now: now)
                if segment > 0 {
                    left -= segment
                    continue
                }
                left -= writeAgain(session, now: now)
            }
            cleaning.place += 1
            cleaning.segmentable = nil
            left -= Self.octetsOfStep
        }
        if cleaning.place >= sessions.placeCount, left > 0 {
            left -= writeRetainedAgain(&cleaning, octets: left, now: now)
        }
        let isDone = cleaning.retained?.isDone ?? false
        self.cleaning = isDone ? nil : cleaning
        return (octets - left, isDone)
    }

    /// Moves messages of a queue that is too long to the store, as many as there were when cleaning came to it. Returns their octets.
    private mutating func relieve(_ session: Session, in cleaning: inout LaneCleaning, now: Instant) -> Int {
        let segmentable = cleaning.segmentable ?? session.outgoing.queue.octetsBehindSegments
        guard segmentable > 0 else { return 0 }
        let octets = relieve(session, now: now)
        cleaning.segmentable = segmentable - octets
        return octets
    }

    /// Octets that cleaning would write, about. Looks at every session.
    package var aliveOctets: Int { aliveOctetsByLane.reduce(0, +) }

    /// The same of each lane. Retained messages are counted as if each lane that the shard leads had as much of them.
    package var aliveOctetsByLane: [Int] {
        var octets = [Int](repeating: 0, count: Lane.count)
        for place in 0..<sessions.placeCount {
            guard let session = sessions.session(at: place), let lane = session.lane?.index else { continue }
            octets[lane] += aliveOctets(of: session)
            for stream in session.connection?.streams ?? [] {
                if let session = stream.session { octets[lane] += aliveOctets(of: session) }
            }
        }
        let led = Lane.all.filter { lanes.leader(of: $0) == own }
        for lane in led {
            octets[lane.index] += lanes[lane].outbox.entries.reduce(retained.byteCount / led.count) {
                $0 + $1.publish.octetCount
            }
        }
        return octets
    }

    private func aliveOctets(of session: Session) -> Int {
        session.subscriptions.keys.reduce(Self.octetsOfSession) { $0 + $1.key.string.utf8.count }
            + session.outgoing.window.entries.reduce(0) { $0 + ($1.message?.byteCount ?? 0) }
            + session.outgoing.queue.byteCount - session.outgoing.queue.segments.reduce(0) { $0 + $1.byteCount }
    }

    /// What a session has beside its filters and messages.
    private static var octetsOfSession: Int { 64 }

    /// What the visit of a place counts as, whether something is there or not.
    private static var octetsOfStep: Int { 16 }

    private mutating func writeRetainedAgain(_ cleaning: inout LaneCleaning, octets: Int, now: Instant) -> Int {
        var lookUp = cleaning.retained ?? RetainedLookUp(ofAll: retained)
        var written = 0
        while written < octets, !lookUp.isDone {
            var steps = Self.stepsAtOnce
            for found in lookUp.advance(by: &steps, in: retained, now: now) where isServed(found.message) {
                lanes.append(.retained(found.message), to: Lane(ofTopic: found.message.encoded.topic))
                written += found.message.byteCount
            }
            written += Self.stepsAtOnce * Self.octetsOfStep
        }
        cleaning.retained = lookUp
        return written
    }

    private static var stepsAtOnce: Int { 64 }

    /// Writes a client's session with those of its data streams. Returns their octets, about.
    private mutating func writeAgain(_ session: Session, now: Instant) -> Int {
        log(.session(session.number, client: session.clientIdentifier), of: session)
        if let connection = session.connection {
            let expiry = session.expiryInterval
            log(.attached(session.number, expiryInterval: expiry, will: connection.will), of: session)
            if let holder = session.holder { log(.holder(session.number, holder), of: session) }
        } else {
            let away = away(session, now: now)
            log(away, of: session)
        }
        var octets = writeContentsAgain(session)
        for stream in session.connection?.streams.compactMap(\.session) ?? [] {
            log(.stream(stream.number, parent: session.number), of: stream)
            octets += writeContentsAgain(stream)
        }
        return octets
    }

    private mutating func writeContentsAgain(_ session: Session) -> Int {
        guard let lane = session.lane else { return 0 }
        var octets = Self.octetsOfSession
        for (filter, subscription) in session.subscriptions {
            lanes.append(.subscribed(session.number, filter, subscription), to: lane)
            octets += filter.key.string.utf8.count
        }
        for entry in session.outgoing.window.entries {
            if let queued = entry.queued {
                octets += writeAgain(queued, of: session, in: lane, packetIdentifier: entry.identifier)
            } else if entry.state != .foreign {
                lanes.append(.recorded(session.number, packetIdentifier: entry.identifier), to: lane)
            }
        }
        for entry in session.outgoing.queue.entries where entry.isLogged {
            octets += writeAgain(entry, of: session, in: lane, packetIdentifier: 0)
        }
        for segment in session.outgoing.queue.segments {
            lanes.append(.segmented(session.number, segment.place, taken: 0), to: lane)
        }
        for entry in session.outgoing.queue.newest where entry.isLogged {
            octets += writeAgain(entry, of: session, in: lane, packetIdentifier: 0)
        }
        for identifier in session.awaitingRelease {
            lanes.append(.adopted(session.number, packetIdentifier: identifier), to: lane)
        }
        for identifier in session.orphans.identifiers {
            lanes.append(.orphaned(session.number, packetIdentifier: identifier), to: lane)
        }
        return octets
    }

    /// Writes a message of a session. Returns its octets.
    private mutating func writeAgain(
        _ entry: MessageQueue.Entry,
        of session: Session,
        in lane: Lane,
        packetIdentifier: UInt16
    ) -> Int {
        let target = LoggedMessage.Target(entry, of: session.number, packetIdentifier: packetIdentifier)
        lanes.append(.message(LoggedMessage(entry.message, origin: nil, to: target)), to: lane)
        return entry.message.byteCount
    }
}
