internal import NIOCore

extension QUICConnection {
    /// True if a datagram from the address may be read; new addresses are rationed (`AddressAdmission`).
    func admits(_ address: DatagramAddress, now: UInt64) -> Bool {
        address == self.remote || self.addresses.admits(address, now: now)
    }

    /// Reads a datagram that has arrived. The end of the connection if the engine cannot go on.
    func read(
        _ datagram: UnsafeRawBufferPointer,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        now: UInt64,
        ingress: RelayIngress? = nil
    ) -> EngineEnd? {
        guard let engine = self.engine else { return nil }
        self.mayHaveStoppedStreams = !self.streams.isEmpty
        self.unanswered += 1
        // Who comes by the relay has reached the address of the handshake at another node.
        let path = engine.path(from: remote, to: ingress == nil ? local : nil)
        if engine.isValidated(path, remote: self.remote) {
            self.endpoint.markDirty(self)
        } else {
            self.markDirty()
            engine.expectPaths(besides: self.remote)
        }
        guard path.local == nil, ingress != nil || self.relayed != nil else {
            return unsafe engine.read(datagram, on: path, ecn: ecn, now: now)
        }
        let before = engine.openedPackets
        let end = unsafe engine.read(datagram, on: path, ecn: ecn, now: now)
        // Whoever sends what is not authentic must not lead answers astray.
        if engine.openedPackets != before { self.note(remote, ingress) }
        return end
    }

    /// The way of what is sent on a path; `nil` for the endpoint's own socket. Other nodes' sockets have the address of the
    /// handshake alone.
    func ingress(of path: ClientPath) -> RelayIngress? { path.local == nil ? self.relayed?[path.remote] : nil }

    /// Remembers the way of an authentic datagram.
    private func note(_ address: DatagramAddress, _ ingress: RelayIngress?) {
        if self.relayed == nil { self.relayed = RelayedAddresses() }
        self.relayed?.note(address, ingress)
        if self.relayed?.isEmpty == true { self.relayed = nil }
    }

    /// Does what is due: folds the memory of an idle connection, or lets ngtcp2 handle its timers.
    func handleExpiry(now: UInt64) -> EngineEnd? {
        guard let engine = self.engine else { return nil }
        if self.foldDue <= now, !self.isWaiting, self.fold(engine, now: now) { return nil }
        self.markDirty()
        return engine.handleExpiry(now: now)
    }

    /// Folds the memory of an idle connection, or puts folding off. False if a timer is due.
    private func fold(_ engine: Engine, now: UInt64) -> Bool {
        self.foldDue = .max
        let expiry = engine.expiry
        guard self.isEstablished, expiry > now, let delay = self.limits.foldDelay else { return false }
        self.deadline = expiry
        // A timer that is due soon would unfold the memory at once.
        if expiry - now > delay {
            let turn = self.hasFoldTurn ? now : engine.context.foldSchedule.reserve(now: now)
            self.hasFoldTurn = turn > now
            if turn > now {
                self.foldDue = turn
                self.deadline = min(expiry, turn)
            } else {
                engine.fold()
            }
        }
        self.endpoint.deadlines.schedule(self)
        return true
    }

    /// Acts upon an event that the engine has recorded.
    func handle(_ event: EngineEvent) {
        guard !self.isClosed else { return }
        switch event {
        case .begun:
            self.beginEarly()
        case .handshakeCompleted:
            self.establish()
        case .ticket(let session, let lifetime, let allowsEarlyData):
            self.receive(session, lifetime: lifetime, allowsEarlyData: allowsEarlyData)
        case .opened(let stream):
            // Before the handshake is complete only early data opens streams.
            if self.isServer { self.beginEarly() }
            self.tell { $0.opened(stream) }
        case .received(let stream, let run):
            let (bytes, finished) = self.endpoint.context.received(run)
            if stream.deliversBytes { self.tell { $0.received(bytes, on: stream, finished: finished) } }
            if !stream.isClosed { stream.didDeliver(bytes.readableBytes) }
        case .acknowledged(let stream):
            self.adjustSendHighWaterMark()
            if stream.handleAcknowledged() { self.tell { $0.writable(stream) } }
        case .reset(let stream, let code):
            if stream.deliversBytes { self.tell { $0.reset(stream, code: code) } }
        case .stopSending(let stream, let code):
            stream.shutWriting()
            self.tell { $0.stopSending(stream, code: code) }
        case .credited(let stream):
            stream.isBlocked = false
        case .closedStream(let stream):
            self.finishStream(stream)
        case .issued(let identifier):
            self.identifiers.append(identifier)
            self.endpoint.register(identifier, for: self)
        case .retired(let identifier):
            self.identifiers.removeAll { $0 == identifier }
            self.endpoint.unregister(identifier)
        case .resetTokenActivated(let token):
            self.resetTokens.append(token)
            self.endpoint.register(token, for: self)
        case .resetTokenRetired(let token):
            self.resetTokens.removeAll { $0 == token }
            self.endpoint.unregister(token)
        case .pathValidated(let remote):
            self.adopt(validated: remote)
        case .pathValidationFailed:
            self.endpoint.counters.pathValidationsFailed += 1
            self.returnToDialed()
        case .tokenDue:
            self.endpoint.sendToken(on: self)
        case .newToken(let token):
            self.endpoint.dialer.serverTokens.keep(token, of: self.dialed)
        }
    }

    /// Adds an identifier of this side, by which packets find the connection.
    func own(_ identifier: QUICConnectionID) {
        self.identifiers.append(identifier)
        self.endpoint.register(identifier, for: self)
    }

    /// Both sides of a stream have ended, and ngtcp2 has forgotten it.
    private func finishStream(_ stream: QUICStream) {
        self.removeStream(stream)
        let uncredited = stream.close()
        if uncredited > 0 { self.engine?.creditConnection(uncredited) }
        self.engine?.allowAnotherStream(like: stream.id)
        self.tell { $0.closedStream(stream) }
    }

    /// Sends to another address from now on, which the path validation has proved to be the peer's (RFC 9000 §8.2).
    private func adopt(validated address: DatagramAddress) {
        guard address != self.remote else { return }
        self.addresses.validate(address, insteadOf: self.remote)
        self.remote = address
        self.endpoint.counters.addressChanges += 1
        self.tell { $0.remoteAddressChanged(self) }
    }

    /// Calls the delegate, which hears nothing but `closed` once the user has closed the connection.
    func tell(_ call: (any QUICConnectionDelegate) -> Void) {
        guard self.isOpen, let delegate = self.delegate else { return }
        call(delegate)
    }
}
