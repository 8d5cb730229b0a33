internal import NIOCore

extension QUICEndpoint {
    /// Takes one message of the socket: a datagram, or several equally long ones from one address (UDP_GRO).
    func receive(_ envelope: AddressedEnvelope<ByteBuffer>) {
        self.acceptor?.didRead(envelope.data.readableBytes)
        guard let remote = DatagramAddress(envelope.remoteAddress) else { return }
        let local = self.localAddress(of: envelope)
        guard self.isAnswerable(remote, local) else { return }
        if self.burstConnection == nil { self.context.beginBurst() }
        let now = self.now
        let ecn = envelope.metadata?.ecnState.codepoint ?? 0
        unsafe envelope.data.withUnsafeReadableBytes { bytes in
            let size = envelope.metadata?.segmentSize.flatMap { $0 > 0 ? $0 : nil } ?? bytes.count
            var rest = unsafe bytes[...]
            repeat {
                let datagram = unsafe UnsafeRawBufferPointer(rebasing: rest.prefix(size))
                unsafe rest = rest.dropFirst(size)
                self.counters.datagramsIn += 1
                self.counters.bytesIn += datagram.count
                unsafe self.receive(datagram, from: remote, to: local, ecn: ecn, now: now)
            } while unsafe !rest.isEmpty
        }
    }

    /// The destination address of a datagram, which is the source address of answers.
    private func localAddress(of envelope: AddressedEnvelope<ByteBuffer>) -> DatagramAddress {
        guard self.socketWishes.packetInfo, let info = envelope.metadata?.packetInfo,
            var address = DatagramAddress(info.destinationAddress)
        else { return self.canonicalAddress }
        address.port = self.canonicalAddress.port
        return address
    }

    /// True if an answer can be sent to the datagram's source. Counts the datagram as dropped otherwise.
    private func isAnswerable(_ remote: DatagramAddress, _ local: DatagramAddress) -> Bool {
        if !remote.isUnanswerable, !local.isMulticastOrBroadcast { return true }
        self.counters.dropped.unanswerableSource += 1
        return false
    }

    /// Takes one datagram from an address that can be answered.
    ///
    /// - Parameter ingress: the way that a datagram has come from another node.
    func receive(
        _ datagram: UnsafeRawBufferPointer,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        now: UInt64,
        ingress: RelayIngress? = nil,
        isTossed: Bool = false
    ) {
        guard let header = unsafe PacketHeader(datagram, identifierCount: self.context.identifiers.count) else {
            self.counters.dropped.malformed += 1
            return
        }
        if let connection = self.burstConnection, header.destination == self.burstIdentifier {
            unsafe self.read(datagram, for: connection, from: remote, to: local, ecn: ecn, now: now, ingress: ingress)
            return
        }
        switch self.table[header.destination] {
        case .live(let connection)?:
            unsafe self.read(datagram, for: connection, from: remote, to: local, ecn: ecn, now: now, ingress: ingress)
            if self.burstConnection === connection { self.burstIdentifier = header.destination }
        case .closed(let closed)?:
            self.answerLate(closed, now: now)
        case nil:
            if self.isServer {
                unsafe self.receiveUnknown(
                    datagram,
                    header,
                    from: remote,
                    to: local,
                    ecn: ecn,
                    now: now,
                    ingress: ingress,
                    isTossed: isTossed
                )
            } else {
                unsafe self.receiveReset(datagram, from: remote, to: local, now: now)
            }
        }
    }

    private func read(
        _ datagram: UnsafeRawBufferPointer,
        for connection: QUICConnection,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        now: UInt64,
        ingress: RelayIngress? = nil
    ) {
        let isUnderWay = self.isServer && !connection.wasEstablished
        if isUnderWay, !self.isTakingTurn, self.acceptor?.mayReadAtOnce == false {
            unsafe self.acceptor?.hold(
                datagram,
                from: remote,
                to: local,
                ecn: ecn,
                ingress: ingress,
                counters: &self.counters
            )
            return
        }
        guard connection.admits(remote, now: now) else {
            self.counters.dropped.tooManyAddresses += 1
            return
        }
        if connection !== self.burstConnection {
            self.dispatchEvents()
            self.burstConnection = connection
        }
        let begun = isUnderWay ? self.now : 0
        let end = unsafe connection.read(datagram, from: remote, to: local, ecn: ecn, now: now, ingress: ingress)
        if isUnderWay { self.acceptor?.pace.didRead(cost: self.now - begun) }
        if let end {
            self.dispatchEvents()
            self.finish(connection, end, now: now)
        }
    }

    /// Takes a packet of an unknown connection: a stateless reset, if it ends with a token of a server (RFC 9000 §10.3.1).
    private func receiveReset(
        _ datagram: UnsafeRawBufferPointer,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        now: UInt64
    ) {
        let tokenCount = StatelessResetToken.count
        if datagram.count >= 5 + tokenCount,
            let connection = unsafe self.table[
                StatelessResetToken(UnsafeRawBufferPointer(rebasing: datagram.suffix(tokenCount)))
            ]
        {
            self.counters.resetsReceived += 1
            unsafe self.read(datagram, for: connection, from: remote, to: local, ecn: 0, now: now)
        } else {
            self.counters.dropped.unknownConnection += 1
        }
    }

    private func answerLate(_ closed: ClosedConnection, now: UInt64) {
        guard closed.answersNext(), self.egress.batch.hasRoom(for: closed.packet.count) else {
            self.counters.dropped.closedConnection += 1
            return
        }
        self.send(closed.packet, of: closed)
        self.scheduleFlush()
    }

    /// Ends a read of the socket.
    func finishRead() {
        if let socket = self.socket,
            let isEmpty = self.acceptor?.didFinishRead(limit: socket.messagesPerRead, now: self.now)
        {
            socket.adjust(isEmpty: isEmpty)
        }
        self.finishBurst()
    }

    /// Ends a read burst: packets of established connections have been read. What waits has its turn once they are answered.
    ///
    /// Acknowledgements are sent at the end of the loop's tick, in the same packets as the data that users write until
    /// then.
    func finishBurst() {
        self.dispatchEvents()
        self.burstConnection = nil
        self.courier.send(counters: &self.counters)
        self.relay?.loop.flush()
        // A burst of datagrams for other loops needs no flush.
        if !self.egress.isEmpty || !self.ended.isEmpty || self.isClosing { self.scheduleFlush() }
        self.scheduleTurn()
    }

    /// Passes the engines' events to the delegates. What the delegates do may raise further events.
    func dispatchEvents() {
        guard !self.isDispatching, !self.context.events.isEmpty else { return }
        self.isDispatching = true
        while !self.context.events.isEmpty {
            swap(&self.spareEvents, &self.context.events)
            for (connection, event) in self.spareEvents { connection.handle(event) }
            self.spareEvents.removeAll(keepingCapacity: true)
        }
        self.context.forgetReceived()
        self.isDispatching = false
    }
}

extension NIOExplicitCongestionNotificationState {
    /// The two ECN bits of the IP header (RFC 3168 §5).
    fileprivate var codepoint: UInt8 {
        switch self {
        case .transportNotCapable: 0
        case .transportCapableFlag1: 1
        case .transportCapableFlag0: 2
        case .congestionExperienced: 3
        }
    }
}
