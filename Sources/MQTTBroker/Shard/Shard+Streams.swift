import DequeModule
import MQTTCodec
package import NIOCore

// Data streams: further streams of a client beside its control stream, which is the connection. A stream is a connection
// that is subordinate to the client's, with a session that is subordinate to the client's: so packet identifiers, topic
// aliases, windows and subscriptions are each stream's own, and nothing of the way of a PUBLISH knows of streams. What a
// stream leaves behind goes to the client's session.
extension Shard {
    /// A data stream is up. What it brings is held until its client's CONNECT is accepted.
    ///
    /// Returns `nil` once the connection has ended.
    package mutating func openStream(of control: Connection, now: NIODeadline) -> Connection? {
        guard !control.isClosed, !control.isDataStream else { return nil }
        let stream = newConnection(control.peer, control: control, now: now)
        stream.state = .connecting
        control.streams.append(stream)
        shareOutput(of: control)
        counters.streamsOpened += 1
        if let session = control.session { activate(stream, for: session, of: control) }
        return stream
    }

    /// The client of the streams that were opened ahead of it is connected.
    mutating func activateStreams(of control: Connection, for session: Session) {
        for stream in control.streams {
            activate(stream, for: session, of: control)
            // The shell is to read on.
            markDirty(stream)
        }
    }

    private mutating func activate(_ stream: Connection, for parent: Session, of control: Connection) {
        stream.version = control.version
        stream.decoder = PacketDecoder(
            role: .server,
            maximumPacketSize: limits.maximumPacketSize,
            version: control.version
        )
        stream.receiveMaximum = control.receiveMaximum
        stream.maximumPacketSize = control.maximumPacketSize
        let session = newSession(parent.clientIdentifier, parent: parent)
        session.connection = stream
        stream.session = session
        stream.state = .connected
    }

    /// Whether octets of a data stream may be held, where its client is not connected yet; otherwise the stream ends.
    mutating func admits(_ bytes: ByteBuffer, onEarly stream: Connection, now: NIODeadline) -> Bool {
        guard stream.state == .connecting, let control = stream.control else { return true }
        let held = control.streams.reduce(bytes.readableBytes) { $0 + $1.pending.readableBytes }
        if held <= limits.maximumEarlyBytes { return true }
        counters.earlyStreamsRefused += 1
        fail(stream, .quotaExceeded, now: now)
        return false
    }

    /// Subscriptions of a client on all its streams.
    func subscriptionCount(of session: Session) -> Int {
        let root = session.root
        let streams = root.connection?.streams ?? []
        return streams.reduce(root.subscriptions.count) { $0 + ($1.session?.subscriptions.count ?? 0) }
    }

    // MARK: - The end of a stream

    /// The data streams of a connection end before it does.
    mutating func endStreams(of control: Connection, now: NIODeadline) {
        let streams = control.streams
        control.streams = []
        for stream in streams { leave(stream, publishesWill: false, now: now) }
    }

    /// A stream is not among those of its connection any more.
    mutating func remove(_ stream: Connection, from control: Connection) {
        guard let index = control.streams.firstIndex(where: { $0 === stream }) else { return }
        control.streams.remove(at: index)
        shareOutput(of: control)
    }

    /// Gives the client's session what a stream leaves behind, its subscriptions apart: deliveries without their
    /// acknowledgement and those that wait, in order, and the identifiers of QoS 2 messages that it has received. What
    /// the client has recorded is not sent again.
    mutating func fold(_ session: Session, into parent: Session, now: NIODeadline) {
        for filter in session.subscriptions.keys { removeFromTree(session, filter) }
        for entry in session.window.entries {
            guard let message = entry.message else { continue }
            let qos = entry.state == .awaitingAcknowledgement ? QualityOfService.atLeastOnce : .exactlyOnce
            enqueue(
                MessageQueue.Entry(message: message, qos: qos, retain: entry.retain, identifiers: entry.identifiers),
                for: parent
            )
        }
        while let entry = session.retainedBacklog.popFirst() { enqueueRetained(entry, for: parent) }
        while let entry = session.queue.popFirst() { enqueue(entry, for: parent) }
        for identifier in session.awaitingRelease.sorted() {
            let forgotten = parent.orphans.append(identifier, maximumCount: limits.maximumOrphans)
            counters.orphansForgotten += UInt64(forgotten)
        }
        session.letGo()
        if let control = parent.connection { pump(control, now: now) }
    }

    /// A connection and its streams have equal shares of what a client may be owed in a burst, so that none takes the
    /// others' and all together keep to it.
    private func shareOutput(of control: Connection) {
        let share = max(1, limits.outputHighWaterMark / (control.streams.count + 1))
        control.outputHighWaterMark = share
        for stream in control.streams { stream.outputHighWaterMark = share }
    }

    // MARK: - What waits for a client, and what is under way to it

    /// Makes room for a message within the bounds of its client's queues together: a QoS 0 message yields, a QoS 1 or 2
    /// message displaces the oldest one of the longest queue. So a stream that nobody reads gives way to the others.
    mutating func makeRoom(
        for entry: MessageQueue.Entry,
        in session: Session,
        beside siblings: [Session]
    ) -> Bool {
        let size = entry.message.byteCount
        guard size <= limits.maximumQueueBytes else { return false }
        var count = siblings.reduce(session.queue.count) { $0 + $1.queue.count }
        var bytes = siblings.reduce(session.queue.byteCount) { $0 + $1.queue.byteCount }
        while count >= limits.maximumQueueLength || bytes + size > limits.maximumQueueBytes {
            let measure = count >= limits.maximumQueueLength ? \MessageQueue.count : \MessageQueue.byteCount
            // Of queues that are equally long its own.
            let longest = siblings.reduce(session) {
                $1.queue[keyPath: measure] > $0.queue[keyPath: measure] ? $1 : $0
            }
            guard entry.qos > .atMostOnce, let displaced = longest.queue.popFirst() else { return false }
            counters.messagesDroppedQueueFull += 1
            tell(.messageDroppedQueueFull, of: session)
            count -= 1
            bytes -= displaced.message.byteCount
        }
        return true
    }

    /// Whether a client's window has room for a further message of a stream, or of its control stream, that has some under
    /// way: as long as those of all are within it, and in any case up to an equal share of it. So a stream that
    /// acknowledges nothing does not stop another.
    ///
    /// Who waits for the others' room has messages under way itself, and looks again when one is acknowledged.
    func sharesWindow(_ sent: Int, _ control: Connection) -> Bool {
        if control.streams.isEmpty || sent < limits.maximumInflight / (control.streams.count + 1) { return true }
        let all = control.streams.reduce(control.session?.window.sentCount ?? 0) {
            $0 + ($1.session?.window.sentCount ?? 0)
        }
        return all < limits.maximumInflight
    }
}
