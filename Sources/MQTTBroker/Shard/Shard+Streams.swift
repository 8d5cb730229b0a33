import DequeModule
import MQTTCodec
import NIOCore

// Data streams: QUIC streams of a client beside its control stream. A data stream is a `Connection` that is subordinate to the
// client's, with a session that is subordinate to the client's. So each stream has packet identifiers, topic aliases, a window
// and subscriptions of its own, and the way of a PUBLISH knows nothing of streams. What a stream leaves behind is merged into
// the client's session.
extension Shard {
    /// A data stream is open. What it brings is held until its client's CONNECT is accepted.
    ///
    /// Returns `nil` if the connection has ended.
    package mutating func openStream(of control: Connection, now: Instant) -> Connection? {
        guard !control.isClosed, !control.isDataStream else { return nil }
        let stream = connections.add(control.peer, control: control, limits: control.limits, now: now)
        stream.waiting = .client
        add(stream, to: control)
        counters.streamsOpened += 1
        if control.state == .connected { activate(stream, of: control) }
        return stream
    }

    /// The client is connected: its data streams that were opened before can go on.
    mutating func activateStreams(of control: Connection) {
        for stream in control.streams {
            activate(stream, of: control)
            // The shell is to read on.
            markDirty(stream)
        }
    }

    private mutating func activate(_ stream: Connection, of control: Connection) {
        join(stream, to: control)
        stream.inbound.decoder = PacketDecoder(
            role: .server,
            maximumPacketSize: control.limits.values.maximumPacketSize,
            version: control.outbound.version
        )
        stream.waiting = stream.peer.earlyData == .connectOnly ? .handshake : nil
        if let session = control.session {
            addSession(of: stream, beside: session)
        } else if let remote = control.remoteSession {
            stream.remoteSession = RemoteSession(home: remote.home, claim: remote.claim, isShared: false)
            send(.toHome(control.reference, .opened(stream.reference)), to: remote.home)
        }
    }

    /// Adds a data stream to those of its connection.
    func add(_ stream: Connection, to control: Connection) {
        control.streams.append(stream)
        shareOutput(of: control)
    }

    /// Gives a data stream the version and the bounds of its connection, whose client is connected.
    func join(_ stream: Connection, to control: Connection) {
        stream.outbound.version = control.outbound.version
        stream.outbound.receiveMaximum = control.outbound.receiveMaximum
        stream.outbound.maximumPacketSize = control.outbound.maximumPacketSize
        stream.isBridge = control.isBridge
        stream.state = .connected
    }

    /// Gives a data stream its session.
    mutating func addSession(of stream: Connection, beside parent: Session) {
        let number = parent.lane.map { lanes[$0].makeSessionNumber($0) }
        let session = sessions.make(beside: parent, number: number)
        log(.stream(session.number, parent: parent.number), of: session)
        session.connection = stream
        stream.session = session
    }

    /// Whether octets of a data stream whose client is not connected yet may be held (`Limits.maximumEarlyBytes`). If not, the
    /// stream ends.
    mutating func admits(_ bytes: ByteBuffer, onEarly stream: Connection, now: Instant) -> Bool {
        guard case .client = stream.waiting, let control = stream.control else { return true }
        let held = control.streams.reduce(bytes.readableBytes) { $0 + $1.inbound.pending.readableBytes }
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
    mutating func endStreams(of control: Connection, now: Instant) {
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

    /// Merges the session of a data stream that ends into the client's: messages without acknowledgement, messages that wait,
    /// in their order, and the packet identifiers of QoS 2 messages received. Subscriptions end. Messages that the client has
    /// recorded (PUBREC) are not sent again.
    mutating func merge(_ session: Session, into parent: Session, now: Instant) {
        for filter in session.subscriptions.keys { removeFromRouter(session, filter) }
        log(.merged(session.number), of: session)
        for entry in session.outgoing.window.unrecorded { enqueue(entry, for: parent) }
        while let entry = session.outgoing.retained.popFirst() { enqueueRetained(entry, for: parent) }
        while let entry = session.outgoing.queue.popFirst() { enqueue(entry, for: parent) }
        for identifier in session.awaitingRelease.sorted() {
            let forgotten = parent.orphans.append(identifier, maximumCount: limits.maximumOrphans)
            counters.orphansForgotten += UInt64(forgotten)
        }
        session.clear()
        if let control = parent.connection { pump(control, now: now) }
    }

    /// Gives a connection and its data streams equal shares of `Limits.outputHighWaterMark`.
    private func shareOutput(of control: Connection) {
        let share = max(1, limits.outputHighWaterMark / (control.streams.count + 1))
        control.outbound.highWaterMark = share
        for stream in control.streams { stream.outbound.highWaterMark = share }
    }

    // MARK: - What waits for a client, and what is under way to it

    /// Makes room for a message within the bounds of all queues of its client. A QoS 0 message is dropped, a QoS 1 or 2 message
    /// displaces the oldest message of the longest queue. So a stream that is not read gives way to the others.
    mutating func makeRoom(
        for entry: MessageQueue.Entry,
        in session: Session,
        beside siblings: [Session]
    ) -> Bool {
        let size = entry.message.byteCount
        guard size <= limits.maximumQueueBytes else { return false }
        var count = siblings.reduce(session.outgoing.queue.count) { $0 + $1.outgoing.queue.count }
        var bytes = siblings.reduce(session.outgoing.queue.byteCount) { $0 + $1.outgoing.queue.byteCount }
        while count >= limits.maximumQueueLength || bytes + size > limits.maximumQueueBytes {
            let measure = count >= limits.maximumQueueLength ? \MessageQueue.count : \MessageQueue.byteCount
            // Among queues of the same length, the stream's own.
            let longest = siblings.reduce(session) {
                $1.outgoing.queue[keyPath: measure] > $0.outgoing.queue[keyPath: measure] ? $1 : $0
            }
            guard entry.qos > .atMostOnce, let displaced = longest.outgoing.queue.removeFirst() else {
                return false
            }
            logDropped(displaced, of: longest)
            counters.messagesDroppedQueueFull += 1
            session.countDrops(1)
            tell(.messageDroppedQueueFull, of: session)
            count -= 1
            bytes -= displaced.byteCount
        }
        return true
    }

    /// Whether the window of a client with data streams has room for one more message of a stream that has messages in flight:
    /// if the messages in flight on all streams are within the window, and in any case up to an equal share of it. So a stream
    /// that acknowledges nothing does not stop another.
    ///
    /// A stream that has to wait has messages in flight, and tries again when one is acknowledged.
    func sharesWindow(_ sent: Int, _ control: Connection) -> Bool {
        if control.streams.isEmpty || sent < limits.maximumInflight / (control.streams.count + 1) { return true }
        let all = control.streams.reduce(control.session?.outgoing.window.sentCount ?? 0) {
            $0 + ($1.session?.outgoing.window.sentCount ?? 0)
        }
        return all < limits.maximumInflight
    }
}
