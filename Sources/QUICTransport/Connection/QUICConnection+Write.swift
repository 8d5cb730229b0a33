extension QUICConnection {
    enum WriteOutcome {
        /// Everything that may be sent now is in the batch.
        case done
        /// The batch is full.
        case batchFull
        case ended(EngineEnd)
    }

    // MARK: Patience

    /// Acknowledgements that nothing else is sent with wait for more of their kind: from the second datagram, which the
    /// engine would acknowledge at once, until so many are unanswered, or for so many nanoseconds. A sender's first window is
    /// ten packets, and it may reckon with 25 ms (RFC 9000 §13.2).
    private static let patientReads = 8
    private static let patience: UInt64 = 1_000_000

    /// Whether there is no more to send than acknowledgements and credit, and time for that. What is not acknowledged may
    /// be found lost at any time.
    var mayWait: Bool {
        !self.isHurried && self.isEstablished && (2..<Self.patientReads).contains(self.unanswered)
            && self.streams.allSatisfy { $0.outgoing.isSettled }
    }

    /// Puts off the write. Returns whether the deadline has to be scheduled for it.
    func wait(now: UInt64) -> Bool {
        guard !self.isWaiting else { return false }
        self.isWaiting = true
        self.deadline = min(self.deadline, now + Self.patience)
        return true
    }

    // MARK: Writing

    /// Writes packets into the batch until there is nothing more to send, or not now.
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
        // A probe of the path's MTU is charged to the next burst: the answer to a CONNECT would wait for it otherwise.
        var probed = false
        defer { if wrote, !probed, self.limits.pacesPackets { engine.didWriteBurst(now: now) } }
        while allowance > 0 {
            guard batch.hasRoom(for: packetRoom) else { return .batchFull }
            switch unsafe self.writePacket(engine, into: batch.tail(packetRoom), now: now) {
            case .packet(let count, _):
                let route = engine.route
                let ecn = self.limits.marksECN ? route.ecn : 0
                batch.append(count, from: sourceMatters ? route.local : nil, to: route.remote, ecn: ecn)
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

    /// The next stream in turn among those of the highest priority that have something to send.
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

    /// Code 0 stands for one that ngtcp2 has not told.
    private func noteStopped(_ stream: QUICStream) {
        guard stream.shutWriting() else { return }
        self.endpoint.defer(.stopSending(stream, code: 0), for: self)
    }

    /// Reads the engine's timers; the endpoint schedules the deadline.
    func updateDeadline() {
        self.deadline = min(self.engine?.expiry ?? .max, self.foldDue)
        if case .closing(_, let until) = self.state { self.deadline = min(self.deadline, until) }
    }

    /// What to close with, if it is time to.
    func closesNow(_ now: UInt64) -> QUICCloseReason? {
        guard case .closing(let reason, let until) = self.state else { return nil }
        let waits =
            (self.wasEstablished || self.earlyData != .none) && now < until
            && self.streams.contains { $0.outgoing.hasWork }
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
}

extension QUICConnection {
    /// Goes on from another local address, if the peer lets us; else as if a NAT had changed it.
    func migrate(to local: DatagramAddress, now: UInt64) {
        guard let engine = self.engine else { return }
        if !engine.migrate(to: local, now: now) { engine.replaceLocalAddress(local) }
        self.markDirty()
    }
}
