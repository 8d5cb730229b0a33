package import NIOCore

/// One QUIC connection. Confined to its endpoint's event loop; calls on a closed connection do nothing.
package final class QUICConnection {
    enum State {
        case handshaking
        case established
        /// The user closed it; CONNECTION_CLOSE leaves when pending bytes have, or at the instant.
        case closing(QUICCloseReason, until: UInt64)
        case closed
    }

    package unowned let endpoint: QUICEndpoint
    /// The user's own.
    package var context: AnyObject?

    let isServer: Bool
    let configuration: QUICConfiguration
    private(set) var state = State.handshaking
    private(set) var wasEstablished = false
    /// Held until `closed` has been told.
    var delegate: (any QUICConnectionDelegate)?
    private(set) var engine: Engine?
    private var streams: [QUICStream] = []
    /// The stream that the next packet starts with, so that all get their turn.
    private var nextStream = 0
    private var remote: DatagramAddress
    private var addresses: AddressAdmission

    /// All identifiers by which packets find this connection.
    private(set) var identifiers: [QUICConnectionID] = []
    private(set) var resetTokens: [StatelessResetToken] = []
    var hasReceivedReset = false
    /// Whether something was read since the last write, so that the peer may have stopped streams.
    private var mayHaveStoppedStreams = false

    // The endpoint's book-keeping.
    var isDirty = false
    var heapIndex = -1
    private(set) var deadline = UInt64.max

    init(
        endpoint: QUICEndpoint,
        isServer: Bool,
        configuration: QUICConfiguration,
        remote: DatagramAddress,
        admission: AddressAdmission
    ) {
        self.endpoint = endpoint
        self.isServer = isServer
        self.configuration = configuration
        self.remote = remote
        self.addresses = admission
    }

    func start(_ engine: Engine) {
        self.engine = engine
    }

    /// The last validated address of the peer.
    package var remoteAddress: SocketAddress { self.remote.socketAddress }

    package var isEstablished: Bool {
        if case .established = self.state { true } else { false }
    }

    package var isClosed: Bool {
        if case .closed = self.state { true } else { false }
    }

    /// - Throws: `.streamLimitReached` until the peer allows more, `.closed`.
    package func openBidirectionalStream() throws(QUICError) -> QUICStream {
        guard self.isEstablished, let engine = self.engine else { throw .closed }
        return try engine.openBidirectionalStream { self.addStream($0) }
    }

    /// Sends CONNECTION_CLOSE of type 0x1d when pending stream bytes have been sent once, which congestion and flow
    /// control may delay by `closeLinger`. The delegate hears nothing more but `closed`.
    package func close(applicationError code: UInt64, reason: String) {
        self.close(.application(by: .local, code: code, reason: reason))
    }

    func close(_ reason: QUICCloseReason) {
        switch self.state {
        case .handshaking, .established:
            self.state = .closing(
                reason,
                until: self.endpoint.now + self.configuration.closeLinger.unsignedNanoseconds
            )
            self.markDirty()
        case .closing, .closed:
            break
        }
    }

    func markDirty() {
        self.endpoint.markDirty(self)
    }
}

// MARK: Streams

extension QUICConnection {
    func addStream(_ id: Int64) -> QUICStream {
        let stream = QUICStream(id: id, connection: self)
        stream.index = self.streams.count
        self.streams.append(stream)
        return stream
    }

    private func removeStream(_ stream: QUICStream) {
        let last = self.streams.removeLast()
        guard last !== stream else { return }
        self.streams[stream.index] = last
        last.index = stream.index
    }

    func credit(_ count: Int, on stream: QUICStream) {
        self.engine?.credit(count, on: stream.id)
        self.markDirty()
    }

    func resetStream(_ stream: QUICStream, code: UInt64) {
        self.engine?.resetStream(stream.id, code: code)
        self.markDirty()
    }

    func stopSending(_ stream: QUICStream, code: UInt64) {
        self.engine?.stopSending(stream.id, code: code)
        self.markDirty()
    }
}

// MARK: Reading

extension QUICConnection {
    /// Whether a datagram from the address may be read. Each new address beyond a rate would cost state.
    func admits(_ address: DatagramAddress, now: UInt64) -> Bool {
        address == self.remote || self.addresses.admits(address, now: now)
    }

    func read(
        _ datagram: UnsafeRawBufferPointer,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        now: UInt64
    ) -> EngineEnd? {
        guard let engine = self.engine else { return nil }
        self.mayHaveStoppedStreams = !self.streams.isEmpty
        self.markDirty()
        return unsafe engine.read(datagram, from: remote, to: local, ecn: ecn, now: now)
    }

    func handleExpiry(now: UInt64) -> EngineEnd? {
        guard let engine = self.engine else { return nil }
        self.markDirty()
        return engine.handleExpiry(now: now)
    }

    /// Acts upon what the engine noticed.
    func handle(_ event: EngineEvent) {
        guard !self.isClosed else { return }
        switch event {
        case .handshakeCompleted:
            self.establish()
        case .opened(let stream):
            self.tell { $0.opened(stream) }
        case .received(let stream, let bytes, let finished):
            if stream.deliversBytes { self.tell { $0.received(bytes, on: stream, finished: finished) } }
            if !stream.isClosed { stream.didDeliver(bytes.readableBytes) }
        case .acknowledged(let stream):
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
        case .pathValidated:
            self.adoptValidatedAddress()
        }
    }

    func own(_ identifier: QUICConnectionID) {
        self.identifiers.append(identifier)
        self.endpoint.register(identifier, for: self)
    }

    private func establish() {
        guard case .handshaking = self.state else { return }
        self.state = .established
        self.wasEstablished = true
        self.endpoint.didEstablish(self)
        self.engine?.releaseTLS()
        if self.isServer {
            guard let delegate = self.endpoint.accept(self) else {
                self.close(.transport(by: .local, code: TransportError.connectionRefused, reason: "refused"))
                return
            }
            self.delegate = delegate
        }
        self.tell { $0.established(self) }
    }

    private func finishStream(_ stream: QUICStream) {
        self.removeStream(stream)
        let uncredited = stream.close()
        if uncredited > 0 { self.engine?.creditConnection(uncredited) }
        self.engine?.allowAnotherStream(like: stream.id)
        self.tell { $0.closedStream(stream) }
    }

    private func adoptValidatedAddress() {
        guard let address = self.engine?.remoteAddress, address != self.remote else { return }
        self.remote = address
        self.addresses.forget()
        self.endpoint.counters.addressChanges += 1
        self.tell { $0.remoteAddressChanged(self) }
    }

    /// The user hears nothing more, but `closed`, once it has closed the connection.
    private func tell(_ call: (any QUICConnectionDelegate) -> Void) {
        guard case .established = self.state, let delegate = self.delegate else { return }
        call(delegate)
    }
}

// MARK: Writing

extension QUICConnection {
    enum WriteOutcome {
        /// Everything that may be sent now is in the batch.
        case done
        /// The batch is full.
        case batchFull
        case ended(EngineEnd)
    }

    /// Writes packets into the batch until there is nothing more to send, or not now.
    func write(into batch: TransmitBatch, sourceMatters: Bool, now: UInt64) -> WriteOutcome {
        guard let engine = self.engine else { return .done }
        if self.mayHaveStoppedStreams {
            self.mayHaveStoppedStreams = false
            for stream in self.streams where stream.isSending && engine.isStopped(stream.id) {
                self.noteStopped(stream)
            }
        }
        let packetRoom = engine.maximumPacket
        var allowance = engine.sendQuantum
        var wrote = false
        defer { if wrote { engine.didWriteBurst(now: now) } }
        while allowance > 0 {
            guard batch.hasRoom(for: packetRoom) else { return .batchFull }
            switch unsafe self.writePacket(engine, into: batch.tail(packetRoom), now: now) {
            case .packet(let count, _):
                let route = engine.route
                batch.append(count, from: sourceMatters ? route.local : nil, to: route.remote, ecn: route.ecn)
                wrote = true
                allowance -= count
            case .failed(let end):
                return .ended(end)
            default:
                return .done
            }
        }
        return .done
    }

    /// Fills one packet from as many streams as have something for it.
    private func writePacket(
        _ engine: Engine,
        into destination: UnsafeMutableRawBufferPointer,
        now: UInt64
    ) -> EngineWrite {
        var streamsMaySend = engine.hasConnectionCredit
        // Each stream is filled in, found blocked or found stopped: twice round is more than enough.
        for _ in 0..<2 * self.streams.count {
            guard streamsMaySend, let stream = self.streamWithWork() else { break }
            let result = unsafe engine.write(stream, more: self.streams.count > 1, into: destination, now: now)
            switch result {
            case .gathered(let accepted):
                stream.outgoing.didSend(accepted)
            case .packet(_, let accepted):
                if let accepted { stream.outgoing.didSend(accepted) }
                return result
            case .streamBlocked:
                // The credit of a stream comes back by an event, that of the connection does not.
                if engine.hasConnectionCredit { stream.isBlocked = true } else { streamsMaySend = false }
            case .streamShut:
                // The peer has stopped the stream; ngtcp2 has answered by a reset.
                self.noteStopped(stream)
            case .nothing, .failed:
                return result
            }
        }
        return unsafe engine.write(nil, more: false, into: destination, now: now)
    }

    private func streamWithWork() -> QUICStream? {
        let count = self.streams.count
        for step in 0..<count {
            let index = (self.nextStream + step) % count
            guard self.streams[index].hasWork else { continue }
            self.nextStream = (index + 1) % count
            return self.streams[index]
        }
        return nil
    }

    /// Code 0 stands for one that ngtcp2 has not told.
    private func noteStopped(_ stream: QUICStream) {
        guard stream.shutWriting() else { return }
        self.endpoint.defer(.stopSending(stream, code: 0), for: self)
    }

    /// Reads the engine's timers; the endpoint schedules the deadline.
    func updateDeadline() {
        self.deadline = self.engine?.expiry ?? .max
        if case .closing(_, let until) = self.state { self.deadline = min(self.deadline, until) }
    }

    /// What to close with, if it is time to.
    func closesNow(_ now: UInt64) -> QUICCloseReason? {
        guard case .closing(let reason, let until) = self.state else { return nil }
        let waits = self.wasEstablished && now < until && self.streams.contains { $0.outgoing.hasWork }
        return waits ? nil : reason
    }

    /// Writes CONNECTION_CLOSE. Returns the packet's length and way, `nil` for none.
    func writeClose(
        _ reason: QUICCloseReason,
        into destination: UnsafeMutableRawBufferPointer,
        now: UInt64
    ) -> (count: Int, local: DatagramAddress, remote: DatagramAddress)? {
        guard let engine = self.engine else { return nil }
        let count = unsafe engine.writeClose(reason, into: destination, now: now)
        guard count > 0 else { return nil }
        let route = engine.route
        return (count, route.local, route.remote)
    }

    var closingPeriod: UInt64 { self.engine?.closingPeriod ?? 0 }

    /// Ends for good: frees the engine, and then what its packets pointed to.
    func end() {
        self.state = .closed
        self.engine = nil
        for stream in self.streams { _ = stream.close() }
        self.streams = []
    }
}

// MARK: Migration

extension QUICConnection {
    /// Goes on from another local address, if the peer lets us; else as if a NAT had changed it.
    func migrate(to local: DatagramAddress, now: UInt64) {
        guard let engine = self.engine else { return }
        if !engine.migrate(to: local, now: now) { engine.replaceLocalAddress(local) }
        self.markDirty()
    }
}
