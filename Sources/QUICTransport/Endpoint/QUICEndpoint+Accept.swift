internal import NIOCore

/// Packets that belong to no connection of this endpoint.
extension QUICEndpoint {
    /// Handles a packet whose identifier is none of this endpoint's: one that another loop of the port or another node has (a stray),
    /// that an earlier run of the node had, or that a new client has chosen.
    ///
    /// - Parameters:
    ///   - ingress: the way that a datagram has come from another node, so that it is passed to no third one.
    ///   - isTossed: true if another loop has passed the packet on, so that this loop must not.
    func receiveUnknown(
        _ datagram: UnsafeRawBufferPointer,
        _ header: PacketHeader,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        now: UInt64,
        ingress: RelayIngress?,
        isTossed: Bool
    ) {
        let origin = self.origin(of: header)
        if case .worker(let worker) = origin, !isTossed {
            unsafe self.courier.toss(
                datagram,
                to: worker,
                from: remote,
                to: local,
                ecn: ecn,
                ingress: ingress,
                counters: &self.counters
            )
            return
        }
        if let ingress { return self.dropUnknown(header, origin, ingress) }
        if unsafe self.relay(datagram, header, origin, from: remote, to: local, ecn: ecn, now: now) { return }
        switch header.form {
        case .short:
            unsafe self.answerUnknown(datagram, header, origin, from: remote, to: local, now: now)
        case .long(PacketHeader.version1):
            unsafe self.receiveFirstFlight(datagram, header, from: remote, to: local, ecn: ecn, now: now)
        case .long(let version):
            // Only a datagram that could be an Initial of its version is answered (RFC 9000 §5.2.2, §6.1).
            guard version != 0, datagram.count >= 1_200 else {
                self.counters.dropped.malformed += 1
                return
            }
            unsafe self.answerStateless(to: remote, from: local, now: now) { destination in
                let count = unsafe StatelessPackets.writeVersionNegotiation(into: destination, answering: header)
                if count > 0 { self.counters.versionNegotiationsSent += 1 }
                return count
            }
        }
    }

    /// Tells who made the identifier of a packet that belongs to no connection of this endpoint.
    private func origin(of header: PacketHeader) -> QUICConnectionIDOrigin {
        switch header.form {
        case .short, .long(PacketHeader.version1): self.context.identifiers.origin(of: header.destination)
        // The identifiers of other versions may have any form.
        case .long: .unknown
        }
    }

    /// Answers a short-header packet of an unknown connection by a stateless reset (RFC 9000 §10.3), if the run of a node that had
    /// the connection is over. For any other connection a reset would be a way to end it.
    private func answerUnknown(
        _ datagram: UnsafeRawBufferPointer,
        _ header: PacketHeader,
        _ origin: QUICConnectionIDOrigin,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        now: UInt64
    ) {
        guard self.acceptor?.configuration.sendsStatelessResets == true, case .run(let run, let rotation) = origin,
            case .over = self.fate(of: run),
            let keys = self.context.keys[rotation],
            datagram.count >= StatelessPackets.leastTriggerCount
        else {
            self.counters.dropped.unknownConnection += 1
            return
        }
        unsafe self.answerStateless(to: remote, from: local, now: now) { destination in
            let count = unsafe StatelessPackets.writeReset(
                into: destination,
                triggerCount: datagram.count,
                key: keys.resets,
                identifier: header.destination
            )
            if count > 0 {
                self.counters.resetsSent += 1
                self.relay?.loop.countReset()
            }
            return count
        }
    }

    /// Sends a packet that belongs to no connection, within the rate of such packets.
    private func answerStateless(
        to remote: DatagramAddress,
        from local: DatagramAddress,
        now: UInt64,
        write: (UnsafeMutableRawBufferPointer) -> Int
    ) {
        let room = 256
        guard self.acceptor?.mayAnswer(now: now) == true, self.egress.batch.hasRoom(for: room) else {
            self.counters.dropped.statelessLimit += 1
            return
        }
        let count = unsafe write(self.egress.batch.tail(room))
        guard count > 0 else { return }
        self.egress.batch.append(count, from: self.socketWishes.packetInfo ? local : nil, to: remote, ecn: 0)
        self.scheduleFlush()
    }

    /// Begins a handshake if it can be completed soon; otherwise the client waits.
    private func receiveFirstFlight(
        _ datagram: UnsafeRawBufferPointer,
        _ header: PacketHeader,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        now: UInt64
    ) {
        guard !self.isClosing else { return }
        guard let token = unsafe PacketHeader.acceptableToken(datagram) else {
            // Early data of a client that waits (RFC 9000 §17.2.3).
            if unsafe self.acceptor?.waiting.append(
                datagram,
                of: header.destination,
                from: remote,
                to: local,
                ecn: ecn
            ) == true {
                self.counters.initialsHeld += 1
            } else {
                self.counters.dropped.unexpectedLongHeader += 1
            }
            return
        }
        if self.isTakingTurn || self.acceptor?.mayBeginAtOnce(now: now) == true {
            unsafe self.meet(datagram, header, token, from: remote, to: local, ecn: ecn, now: now)
        } else {
            unsafe self.acceptor?.hold(
                datagram,
                of: header.destination,
                from: remote,
                to: local,
                ecn: ecn,
                now: now,
                counters: &self.counters
            )
        }
    }

    /// Gives what waits a turn at the end of the loop's tick, after the flush that answers established connections.
    func scheduleTurn() {
        guard self.acceptor?.hasWaiting == true else {
            self.acceptor?.endTurn()
            return
        }
        guard !self.isTurnScheduled else { return }
        self.isTurnScheduled = true
        self.acceptor?.putOff()
        self.eventLoop.assumeIsolated().execute {
            self.isTurnScheduled = false
            self.takeTurn()
            if self.egress.isEmpty { self.armTimer() } else { self.scheduleFlush() }
        }
    }

    /// Times that a turn goes on after its time is spent, while the socket has nothing to read: turns cost system calls.
    private static let extensions = 3

    /// Reads what waits until the tick's time for that is spent: what belongs to handshakes under way, and then the first
    /// flights of new clients, the newest first.
    func takeTurn() {
        defer { self.acceptor?.endTurn() }
        guard self.acceptor?.hasWaiting == true, !self.isClosing, !self.isDispatching else { return }
        self.context.beginBurst()
        self.isTakingTurn = true
        for extensions in 0...Self.extensions {
            while let datagram = self.acceptor?.nextUnderWay() { self.receive(datagram) }
            while let flight = self.acceptor?.next(now: self.now, counters: &self.counters), !flight.isEmpty {
                for datagram in flight { self.receive(datagram) }
            }
            guard extensions < Self.extensions, self.acceptor?.hasWork(now: self.now) == true else { break }
            if self.socket?.isReadable == true {
                self.acceptor?.isReadDue = true
                break
            }
            self.acceptor?.endTurn()
        }
        self.isTakingTurn = false
        self.dispatchEvents()
        self.burstConnection = nil
    }

    /// Takes a datagram that has waited.
    private func receive(_ datagram: WaitingDatagram) {
        unsafe datagram.bytes.withUnsafeReadableBytes { bytes in
            unsafe self.receive(
                bytes,
                from: datagram.remote,
                to: datagram.local,
                ecn: datagram.ecn,
                now: self.now,
                ingress: datagram.ingress,
                isTossed: true
            )
        }
    }

    /// Acts upon the acceptor's verdict about a new client, and measures what that costs.
    private func meet(
        _ datagram: UnsafeRawBufferPointer,
        _ header: PacketHeader,
        _ token: UnsafeRawBufferPointer,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        now: UInt64
    ) {
        let begun = self.now
        defer { self.acceptor?.pace.didSpend(self.now - begun) }
        let verdict = unsafe self.acceptor?.judge(
            token,
            of: header,
            from: remote,
            handshakes: self.handshakeCount,
            connections: self.connectionCount,
            counters: &self.counters
        )
        switch verdict {
        case .begin(let token)?:
            unsafe self.accept(datagram, header, token, from: remote, to: local, ecn: ecn, now: now)
            self.acceptor?.pace.didBegin(cost: self.now - begun)
        case .retry?:
            self.sendRetry(answering: header, to: remote, from: local, now: now)
        case .refuse(let code)?:
            unsafe self.answerStateless(to: remote, from: local, now: now) {
                unsafe StatelessPackets.writeRefusal(into: $0, answering: header, code: code)
            }
        case .drop?, nil:
            break
        }
    }

    /// Makes a connection for a client, and reads its first datagram.
    private func accept(
        _ datagram: UnsafeRawBufferPointer,
        _ header: PacketHeader,
        _ token: ValidatedToken?,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        now: UInt64
    ) {
        guard let configuration = self.acceptor?.configuration, let protection = self.acceptor?.protection else {
            return
        }
        let identifier = self.context.identifiers.make()
        let preferred = configuration.preferredAddress.map { address in
            PreferredPlace(address: address, identifier: self.context.identifiers.make())
        }
        let connection = QUICConnection(
            endpoint: self,
            isServer: true,
            limits: QUICConnection.Limits(configuration.common),
            remote: remote,
            admission: AddressAdmission(
                burst: configuration.newAddressBurst,
                interval: configuration.newAddressInterval.unsignedNanoseconds
            )
        )
        guard
            let engine = try? Engine(
                accepting: header,
                for: connection,
                context: self.context,
                protection: protection,
                configuration: configuration.common,
                identifier: identifier,
                preferred: preferred,
                token: token,
                local: local,
                remote: remote,
                now: now
            )
        else {
            self.counters.handshakesFailed += 1
            return
        }
        connection.start(engine)
        connection.own(header.destination)
        connection.own(identifier)
        if let preferred { connection.own(preferred.identifier) }
        connection.handshakeStart = self.acceptor?.pace.begin(now: now) ?? 0
        self.connectionCount += 1
        self.handshakeCount += 1
        self.counters.handshakesStarted += 1
        self.dispatchEvents()
        self.burstConnection = connection
        if let end = unsafe connection.read(datagram, from: remote, to: local, ecn: ecn, now: now) {
            self.dispatchEvents()
            self.finish(connection, end, now: now)
            if case .needsRetry = end, configuration.retry.mode != .never {
                self.sendRetry(answering: header, to: remote, from: local, now: now)
            }
        }
    }

    /// Sends a Retry, and keeps nothing of the client (RFC 9000 §8.1.2).
    private func sendRetry(
        answering header: PacketHeader,
        to remote: DatagramAddress,
        from local: DatagramAddress,
        now: UInt64
    ) {
        let room = 256
        guard self.acceptor?.mayRetry(now: now) == true, self.egress.batch.hasRoom(for: room) else {
            self.counters.dropped.retryLimit += 1
            return
        }
        let count = unsafe self.acceptor?.tokens.writeRetry(
            into: self.egress.batch.tail(room),
            answering: header,
            from: remote,
            identifier: self.context.identifiers.make()
        )
        guard let count, count > 0 else { return }
        self.counters.retriesSent += 1
        self.egress.batch.append(count, from: self.socketWishes.packetInfo ? local : nil, to: remote, ecn: 0)
        self.scheduleFlush()
    }

    /// Sends NEW_TOKEN with a token for the client's address (RFC 9000 §8.1.3).
    func sendToken(on connection: QUICConnection) {
        unsafe self.acceptor?.tokens.withNewToken(for: connection.remote) { token in
            guard unsafe connection.engine?.submitToken(token) == true else { return }
            self.counters.newTokensSent += 1
            connection.markDirty()
        }
    }

    /// Asks the user for a delegate of a new connection.
    func accept(_ connection: QUICConnection) -> (any QUICConnectionDelegate)? {
        guard let accept = self.acceptor?.accept else { return nil }
        return accept(connection)
    }

    func didEstablish(_ connection: QUICConnection) {
        self.handshakeCount -= 1
        self.counters.handshakesCompleted += 1
        self.acceptor?.pace.complete(connection.handshakeStart, now: self.now)
    }
}
