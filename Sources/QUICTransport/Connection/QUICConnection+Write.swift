extension QUICConnection {
    /// The outcome of writing a connection's packets into a batch.
    enum WriteOutcome {
        /// Everything that may be sent now is in the batch.
        case done
        /// The batch is full.
        case batchFull
        case ended(EngineEnd)
    }

    // MARK: Delayed acknowledgements

    /// The number of unanswered datagrams, and the nanoseconds, up to which acknowledgements are delayed when nothing else
    /// is to be sent (RFC 9000 §13.2). The engine by itself would acknowledge every second datagram. A sender's initial
    /// window is ten packets, and it expects delays of up to 25 ms.
    private static let patientReads = 8
    private static let patience: UInt64 = 1_000_000

    /// True if only acknowledgements and flow control credit are to be sent, and they may be delayed. False while sent data
    /// is unacknowledged, since loss detection may find it lost at any time.
    var mayWait: Bool {
        !self.isHurried && self.isEstablished && (2..<Self.patientReads).contains(self.unanswered)
            && self.streams.allSatisfy { $0.outgoing.isAcknowledged }
    }

    /// Puts off the write. Returns true if the deadline has to be scheduled for it.
    func wait(now: UInt64) -> Bool {
        guard !self.isWaiting else { return false }
        self.isWaiting = true
        self.deadline = min(self.deadline, now + Self.patience)
        return true
    }

    // MARK: Writing

    /// Writes packets into the batch until nothing more may be sent now.
    func write(into batch: TransmitBatch, sourceMatters: Bool, now: UInt64) -> WriteOutcome {
        guard let engine = self.engine else { return .done }
        if let delay = self.limits.foldDelay, self.isEstablished {
            self.foldDue = FoldSchedule.instant(from: now + delay)
            self.hasFoldTurn = false
        }
        if self.mayHaveStoppedStreams {
            self.mayHaveStoppedStreams = false
            for stream in self.streams where stream.isSending && engine.isStopped(stream.id) {
                self.noteStopped(stream)
            }
        }
        let packetRoom = engine.maximumPacket
        let pathMaximum = engine.pathMaximumPacket
        var allowance = self.limits.pacesPackets ? engine.sendQuantum : .max
        var wrote = false
        // A probe of the path's MTU counts in the next burst; in this one it would delay the answer to a CONNECT.
        var probed = false
        defer { if wrote, !probed, self.limits.pacesPackets { engine.didWriteBurst(now: now) } }
        while allowance > 0 {
            guard batch.hasRoom(for: packetRoom) else { return .batchFull }
            switch unsafe self.writePacket(engine, into: batch.tail(packetRoom), now: now) {
            case .packet(let count, _):
                let route = engine.route
                let ecn = self.limits.marksECN ? route.ecn : 0
                let remote = route.path.remote
                if let ingress = self.ingress(of: route.path) {
                    let packet = unsafe UnsafeRawBufferPointer(rebasing: batch.tail(packetRoom)[..<count])
                    unsafe self.endpoint.relay?.loop.answer(packet, to: remote, by: ingress, ecn: ecn)
                } else {
                    batch.append(count, from: sourceMatters ? route.source : nil, to: remote, ecn: ecn)
                }
                wrote = true
                self.unanswered = 0
                if count > pathMaximum { probed = true }
                allowance -= count
            case .failed(let end):
                return .ended(end)
            default:
                return .done
            }
        }
        return .done
    }

    /// Fills one packet with bytes of as many streams as have some to send.
    private func writePacket(
        _ engine: Engine,
        into destination: UnsafeMutableRawBufferPointer,
        now: UInt64
    ) -> EngineWrite {
        var streamsMaySend = engine.hasConnectionCredit
        // In each round a stream is written, found blocked or found stopped, so that two rounds suffice.
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
                // An event tells of new credit of a stream; none tells of new credit of the connection.
                if engine.hasConnectionCredit { stream.isBlocked = true } else { streamsMaySend = false }
            case .streamShut:
                // The peer has sent STOP_SENDING; ngtcp2 has answered with RESET_STREAM.
                self.noteStopped(stream)
            case .nothing, .failed:
                return result
            }
        }
        return unsafe engine.write(nil, more: false, into: destination, now: now)
    }

    /// The next stream in turn among the streams of the highest priority that have bytes to send.
    private func streamWithWork() -> QUICStream? {
        let count = self.streams.count
        var best: Int?
        for step in 0..<count {
            let index = (self.nextStream + step) % count
            guard self.streams[index].hasWork else { continue }
            if let best, self.streams[index].priority <= self.streams[best].priority { continue }
            best = index
            if !self.hasPriorities { break }
        }
        guard let best else { return nil }
        self.nextStream = (best + 1) % count
        return self.streams[best]
    }

    /// Tells the user of STOP_SENDING. The code is 0, since ngtcp2 does not tell it here.
    private func noteStopped(_ stream: QUICStream) {
        guard stream.shutWriting() else { return }
        self.endpoint.defer(.stopSending(stream, code: 0), for: self)
    }

    /// Sets `deadline` from the engine's timers; the endpoint schedules it.
    func updateDeadline() {
        self.deadline = min(self.engine?.expiry ?? .max, self.foldDue)
        if case .closing(_, let until) = self.state { self.deadline = min(self.deadline, until) }
    }

    /// The reason to send in CONNECTION_CLOSE now, `nil` while the connection stays open.
    func closesNow(_ now: UInt64) -> QUICCloseReason? {
        guard case .closing(let reason, let until) = self.state else { return nil }
        let waits =
            (self.wasEstablished || self.earlyData != .none) && now < until
            && self.streams.contains { $0.outgoing.hasWork }
        return waits ? nil : reason
    }

    /// Writes CONNECTION_CLOSE. Returns the packet's length and path, `nil` if there is no packet to send.
    func writeClose(
        _ reason: QUICCloseReason,
        into destination: UnsafeMutableRawBufferPointer,
        now: UInt64
    ) -> (count: Int, path: ClientPath, source: DatagramAddress)? {
        guard let engine = self.engine else { return nil }
        let count = unsafe engine.writeClose(reason, into: destination, now: now)
        guard count > 0 else { return nil }
        let route = engine.route
        return (count, route.path, route.source)
    }

    var closingPeriod: UInt64 { self.engine?.closingPeriod ?? 0 }
}

extension QUICConnection {
    /// Continues from another local address: by connection migration (RFC 9000 §9.2) if the peer allows it and has left a connection
    /// identifier for it, else as after a NAT rebinding, of which the engine does not know.
    func migrate(to local: DatagramAddress, now: UInt64) {
        guard let engine = self.engine else { return }
        _ = engine.migrate(to: local, now: now)
        self.markDirty()
    }

    /// Goes back from the preferred address of the server to the dialed one, after a move to where only that one may be reached
    /// (RFC 9000 §9.6.2).
    func returnToDialed() {
        guard let engine = self.engine, let dialed = self.dialed?.address, engine.remoteAddress != dialed else {
            return
        }
        if engine.change(remote: dialed, now: self.endpoint.now) { self.markDirty() }
    }
}
