internal import NIOCore

extension QUICEndpoint {
    /// How long to wait for a socket whose buffer was full, nanoseconds.
    private static let blockedInterval: UInt64 = 1_000_000

    func markDirty(_ connection: QUICConnection) {
        guard !connection.isDirty, !connection.isClosed else { return }
        connection.isDirty = true
        self.dirty.append(connection)
        self.scheduleFlush()
    }

    /// Flushes when the current work of the loop is done. During a read burst its end does so anyway.
    func scheduleFlush() {
        guard !self.flushIsScheduled, !self.isFlushing, self.burstConnection == nil else { return }
        self.flushIsScheduled = true
        self.eventLoop.assumeIsolated().execute {
            guard self.flushIsScheduled else { return }
            self.flush()
        }
    }

    /// Writes out everything pending of all connections that have something to send. A write schedules one by itself
    /// for the end of the current tick; within a call to a delegate this does nothing but that.
    package func flush() {
        guard !self.isFlushing, !self.isDispatching else { return }
        self.isFlushing = true
        self.flushIsScheduled = false
        self.writeDirty()
        self.isFlushing = false
        self.tellEnded()
        self.finishClosing()
        // Without a socket, or while it takes nothing, that would only spin.
        if !self.dirty.isEmpty, self.blockedUntil == nil, self.socket != nil { self.scheduleFlush() }
        self.armTimer()
    }

    private func writeDirty() {
        guard let socket = self.socket else {
            if self.isClosing { self.abandonAll() }
            return
        }
        if self.blockedUntil != nil, !self.send(on: socket) { return }
        // Connections that become dirty meanwhile get their turn with the next flush.
        swap(&self.dirty, &self.flushing)
        defer { self.flushing.removeAll(keepingCapacity: true) }
        var next = 0
        while next < self.flushing.count {
            let connection = self.flushing[next]
            guard self.write(connection) else {
                // The batch is full: make room, and go on with the same connection.
                guard self.send(on: socket) else { break }
                continue
            }
            next += 1
        }
        if next < self.flushing.count {
            self.dirty.insert(contentsOf: self.flushing[next...], at: 0)
        } else {
            _ = self.send(on: socket)
        }
    }

    /// Writes what a connection has to say. False if the batch has no room for it.
    private func write(_ connection: QUICConnection) -> Bool {
        guard !connection.isClosed else {
            connection.isDirty = false
            return true
        }
        let now = self.now
        if connection.mayWait {
            connection.isDirty = false
            if connection.wait(now: now) { self.deadlines.schedule(connection) }
            return true
        }
        // Events are told in each case: identifiers that were issued must be known before the connection is forgotten.
        switch connection.write(into: self.batch, sourceMatters: self.socketWishes.packetInfo, now: now) {
        case .batchFull:
            self.dispatchEvents()
            return false
        case .done:
            connection.isDirty = false
            connection.didTakeTurn()
            // What users write in answer has its turn with the next flush.
            self.dispatchEvents()
            if let reason = connection.closesNow(now) {
                self.finish(connection, .closing(reason), now: now)
            } else if !connection.isClosed {
                connection.updateDeadline()
                self.deadlines.schedule(connection)
            }
        case .ended(let end):
            connection.isDirty = false
            self.dispatchEvents()
            self.finish(connection, end, now: now)
        }
        return true
    }

    /// Hands the batch to the kernel. False if that took not all of it.
    private func send(on socket: EndpointSocket) -> Bool {
        guard !self.batch.isEmpty else {
            self.blockedUntil = nil
            return true
        }
        switch self.batch.send(on: socket.descriptor, counters: &self.counters) {
        case .sent:
            self.blockedUntil = nil
            return true
        case .blocked:
            self.blockedUntil = self.now + Self.blockedInterval
            return false
        case .doubtful(let error):
            self.blockedUntil = nil
            self.doubtSocket(errno: error)
            return true
        }
    }

    // MARK: The end of connections

    /// Ends all connections without a word to their peers.
    private func abandonAll() {
        let now = self.now
        for connection in self.table.connections {
            self.finish(connection, .silent(.application(by: .local, code: 0, reason: "")), now: now)
        }
        self.dirty.removeAll()
    }

    /// Ends a connection: the last packet, what is remembered of it, and the word to its user, which comes later.
    func finish(_ connection: QUICConnection, _ end: EngineEnd, now: UInt64) {
        guard !connection.isClosed else { return }
        let reason: QUICCloseReason?
        var closed: ClosedConnection?
        switch end {
        case .dropped, .needsRetry:
            reason = connection.isServer ? nil : .transport(by: .local, code: 0x1, reason: "no usable answer")
            if case .dropped = end { self.counters.dropped.forgedInitial += 1 }
        case .silent(let why):
            reason = why
        case .draining(let why):
            reason = why
            closed = self.remember(connection, packet: [], way: nil, now: now)
        case .closing(let why):
            reason = why
            closed = self.writeClose(connection, why, now: now)
        }
        self.forget(connection, leaving: closed)
        if reason != nil { self.counters.connectionsClosed += 1 }
        connection.end()
        if let reason { self.ended.append((connection, reason)) }
        if self.isFlushing || self.burstConnection != nil { return }
        self.scheduleFlush()
    }

    private func writeClose(_ connection: QUICConnection, _ reason: QUICCloseReason, now: UInt64) -> ClosedConnection? {
        let room = 1_200
        var octets = [UInt8](repeating: 0, count: room)
        let way = unsafe octets.withUnsafeMutableBytes { unsafe connection.writeClose(reason, into: $0, now: now) }
        guard let way else { return nil }
        let packet = Array(octets.prefix(way.count))
        let source = self.socketWishes.packetInfo ? way.local : nil
        if !self.batch.hasRoom(for: way.count), let socket = self.socket { _ = self.send(on: socket) }
        // Where there is no room the peer's next packet is answered by it.
        if self.batch.hasRoom(for: way.count) { self.batch.append(packet, from: source, to: way.remote) }
        return self.remember(connection, packet: packet, way: (source, way.remote), now: now)
    }

    private func remember(
        _ connection: QUICConnection,
        packet: [UInt8],
        way: (local: DatagramAddress?, remote: DatagramAddress)?,
        now: UInt64
    ) -> ClosedConnection {
        ClosedConnection(
            identifiers: connection.identifiers,
            expiry: now + connection.closingPeriod,
            packet: packet,
            local: way?.local,
            remote: way?.remote ?? DatagramAddress()
        )
    }

    private func forget(_ connection: QUICConnection, leaving closed: ClosedConnection?) {
        self.deadlines.remove(connection)
        for identifier in connection.identifiers {
            self.table[identifier] = closed.map { .closed($0) }
        }
        for token in connection.resetTokens { self.table[token] = nil }
        if let closed, let displaced = self.closedConnections.insert(closed) { self.table.remove(displaced) }
        self.connectionCount -= 1
        if !connection.wasEstablished {
            self.handshakeCount -= 1
            self.counters.handshakesFailed += 1
        }
        if self.burstConnection === connection { self.burstConnection = nil }
    }

    /// The last word to the users of connections that have ended.
    func tellEnded() {
        while !self.ended.isEmpty {
            let round = self.ended
            self.ended.removeAll()
            for (connection, reason) in round {
                let delegate = connection.delegate
                connection.delegate = nil
                delegate?.closed(connection, reason: reason)
            }
        }
    }

    // MARK: Identifiers

    func register(_ identifier: QUICConnectionID, for connection: QUICConnection) {
        self.table[identifier] = .live(connection)
    }

    func unregister(_ identifier: QUICConnectionID) {
        self.table[identifier] = nil
    }

    func register(_ token: StatelessResetToken, for connection: QUICConnection) {
        self.table[token] = connection
    }

    func unregister(_ token: StatelessResetToken) {
        self.table[token] = nil
    }

    /// Adds an event that the engine did not raise itself.
    func `defer`(_ event: EngineEvent, for connection: QUICConnection) {
        self.context.events.append((connection, event))
    }
}
