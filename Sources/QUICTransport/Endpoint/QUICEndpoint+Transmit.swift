internal import NIOCore

extension QUICEndpoint {
    /// The connection has something to send.
    func markDirty(_ connection: QUICConnection) {
        guard !connection.isDirty, !connection.isClosed else { return }
        self.egress.append(connection)
        self.scheduleFlush()
    }

    /// Schedules a flush for the end of the loop's tick. During a read burst, the end of the burst flushes.
    func scheduleFlush() {
        guard !self.egress.isScheduled, !self.egress.isFlushing, self.burstConnection == nil else { return }
        self.egress.isScheduled = true
        self.eventLoop.assumeIsolated().execute {
            guard self.egress.isScheduled else { return }
            self.flush()
        }
    }

    /// Writes the packets of all connections that have something to send. Writing to a stream schedules a flush for the
    /// end of the tick. Within a call to a delegate this method does nothing.
    package func flush() {
        guard !self.egress.isFlushing, !self.isDispatching else { return }
        self.egress.begin()
        self.writeDirty()
        self.egress.end()
        self.tellEnded()
        self.finishClosing()
        // Without a socket, or while the kernel takes no datagrams, a flush would follow upon a flush.
        if !self.egress.dirty.isEmpty, self.egress.blockedUntil == nil, self.socket != nil { self.scheduleFlush() }
        self.armTimer()
    }

    private func writeDirty() {
        guard let socket = self.socket else {
            if self.isClosing { self.abandonAll() }
            return
        }
        if self.egress.blockedUntil != nil, !self.send(on: socket) { return }
        self.egress.beginRound()
        var isBlocked = false
        while !isBlocked, let connection = self.egress.current {
            if self.write(connection) {
                self.egress.advance()
            } else {
                // The batch is full: make room, and go on with the same connection.
                isBlocked = !self.send(on: socket)
            }
        }
        self.egress.endRound()
        if !isBlocked { _ = self.send(on: socket) }
        self.relay?.loop.flush()
    }

    /// Writes a connection's packets into the batch. False if the batch has no room for the next one.
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
        // Events are passed on in each case: identifiers that were issued must be known when the connection is forgotten.
        let isHandshaking = !connection.wasEstablished
        let outcome = connection.write(into: self.egress.batch, sourceMatters: self.socketWishes.packetInfo, now: now)
        if isHandshaking { self.acceptor?.pace.didWork(cost: self.now - now) }
        switch outcome {
        case .batchFull:
            self.dispatchEvents()
            return false
        case .done:
            connection.isDirty = false
            connection.didTakeTurn()
            // Data that users write in answer leaves with the next flush.
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

    /// Sends the batch if it has no room for a packet of the size. False if there is none afterwards either.
    func makeRoom(for count: Int) -> Bool {
        if !self.egress.batch.hasRoom(for: count), let socket = self.socket { _ = self.send(on: socket) }
        return self.egress.batch.hasRoom(for: count)
    }

    /// Sends the batch. False if the kernel did not take all of it.
    private func send(on socket: EndpointSocket) -> Bool {
        #if DEBUG || FUZZING
            if let wire = self.wire {
                self.egress.batch.divert(to: wire)
                return true
            }
        #endif
        switch self.egress.send(on: socket.descriptor, counters: &self.counters, now: { self.now }) {
        case .sent:
            return true
        case .blocked:
            return false
        case .doubtful(let error):
            self.doubtSocket(errno: error)
            return true
        }
    }

    // MARK: The end of connections

    /// Ends all connections without CONNECTION_CLOSE.
    private func abandonAll() {
        let now = self.now
        for connection in self.table.connections {
            self.finish(connection, .silent(.application(by: .local, code: 0, reason: "")), now: now)
        }
        self.egress.abandon()
    }

    /// Ends a connection: sends its last packet, and keeps what answers late packets. The delegate is told after the flush.
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
            closed = self.remember(connection, now: now)
        case .closing(let why):
            reason = why
            closed = self.writeClose(connection, why, now: now)
        }
        self.forget(connection, leaving: closed)
        if reason != nil { self.counters.connectionsClosed += 1 }
        connection.end()
        if let reason { self.ended.append((connection, reason)) }
        if self.egress.isFlushing || self.burstConnection != nil { return }
        self.scheduleFlush()
    }

    private func writeClose(_ connection: QUICConnection, _ reason: QUICCloseReason, now: UInt64) -> ClosedConnection? {
        let room = 1_200
        var octets = [UInt8](repeating: 0, count: room)
        let way = unsafe octets.withUnsafeMutableBytes { unsafe connection.writeClose(reason, into: $0, now: now) }
        guard let way else { return nil }
        let packet = Array(octets.prefix(way.count))
        if !self.egress.batch.hasRoom(for: way.count), let socket = self.socket { _ = self.send(on: socket) }
        let closed = self.remember(connection, packet: packet, on: way.path, from: way.source, now: now)
        // Without room CONNECTION_CLOSE answers the peer's next packet.
        if self.egress.batch.hasRoom(for: way.count) { self.send(packet, of: closed) }
        return closed
    }

    /// Sends CONNECTION_CLOSE of a connection that has ended.
    func send(_ packet: [UInt8], of closed: ClosedConnection) {
        if let ingress = closed.ingress {
            unsafe packet.withUnsafeBytes { bytes in
                unsafe self.relay?.loop.answer(bytes, to: closed.remote, by: ingress, ecn: 0)
            }
        } else {
            self.egress.batch.append(packet, from: closed.local, to: closed.remote)
        }
    }

    private func remember(
        _ connection: QUICConnection,
        packet: [UInt8] = [],
        on path: ClientPath = ClientPath(DatagramAddress()),
        from source: DatagramAddress? = nil,
        now: UInt64
    ) -> ClosedConnection {
        ClosedConnection(
            identifiers: connection.identifiers,
            expiry: now + connection.closingPeriod,
            packet: packet,
            local: self.socketWishes.packetInfo ? source : nil,
            remote: path.remote,
            ingress: connection.ingress(of: path)
        )
    }

    /// Removes a connection from all tables, and leaves what answers late packets in its place.
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
            self.acceptor?.pace.end(connection.handshakeStart, now: self.now)
        }
        if self.burstConnection === connection { self.burstConnection = nil }
    }

    /// Calls `closed` of the delegates of connections that have ended.
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

    /// Adds an event that the engine did not raise.
    func `defer`(_ event: EngineEvent, for connection: QUICConnection) {
        self.context.events.append((connection, event))
    }
}
