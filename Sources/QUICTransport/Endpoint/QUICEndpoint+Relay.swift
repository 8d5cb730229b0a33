/// Strays of other nodes: datagrams for connections that another node with the same secret has, because the client's address,
/// or the way of its packets, has changed.
extension QUICEndpoint {
    // MARK: The node that a client reaches

    /// What becomes of packets for a run of a node.
    func fate(of run: RelayNode) -> KnownRuns.Fate {
        if let relay = self.relay { return relay.loop.runs.fate(of: run) }
        guard let own = self.acceptor?.configuration.identifiers else { return .unknown }
        return run.isSuperseded(by: RelayNode(number: own.node, incarnation: own.incarnation)) ? .over : .unknown
    }

    /// Sends a stray to the node that has its connection, or drops it if that node may have it but cannot be asked.
    ///
    /// - Returns: false for a packet that is no stray of another node.
    func relay(
        _ datagram: UnsafeRawBufferPointer,
        _ header: PacketHeader,
        _ origin: QUICConnectionIDOrigin,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        now: UInt64
    ) -> Bool {
        guard let relay = self.relay, case .run(let run, _) = origin else { return false }
        switch relay.loop.runs.fate(of: run) {
        case .member(let address):
            if unsafe self.beginsHere(datagram, header, from: remote) { return false }
            unsafe relay.loop.forward(
                datagram,
                to: run,
                at: address,
                listener: relay.listener,
                from: remote,
                local: local,
                ecn: ecn,
                now: now
            )
            return true
        case .suspected:
            relay.loop.count(.suspectedOwner)
            return true
        case .unknown:
            // Any packet may look like this one, and an Initial is a new client's.
            guard case .short = header.form else { return false }
            relay.loop.count(.unknownOwner)
            return true
        case .over:
            return false
        }
    }

    /// True for the Initial of a client that another node has sent a Retry to: whoever gets it goes on, since the token says all
    /// (RFC 9000 §8.1.2).
    private func beginsHere(
        _ datagram: UnsafeRawBufferPointer,
        _ header: PacketHeader,
        from remote: DatagramAddress
    ) -> Bool {
        guard case .long(PacketHeader.version1) = header.form,
            let token = unsafe PacketHeader.acceptableToken(datagram), unsafe !token.isEmpty,
            case .retried? = unsafe self.acceptor?.tokens.judge(token, of: header, from: remote)
        else { return false }
        return true
    }

    /// Sends the datagram in an answer to its client.
    ///
    /// - Returns: false if the socket takes no more, or cannot reach the client.
    func release(_ datagram: UnsafeRawBufferPointer, _ head: RelayFrame, from local: RelayAddress) -> Bool {
        guard let remote = self.address(head.client) else { return false }
        let source = self.socketWishes.packetInfo ? self.address(local) : nil
        let size = head.segmentSize == 0 ? datagram.count : Int(head.segmentSize)
        var rest = unsafe datagram[...]
        while unsafe !rest.isEmpty {
            let piece = unsafe UnsafeRawBufferPointer(rebasing: rest.prefix(size))
            guard self.makeRoom(for: piece.count) else { return false }
            unsafe self.egress.batch.tail(piece.count).copyMemory(from: piece)
            self.egress.batch.append(piece.count, from: source, to: remote, ecn: head.ecn)
            unsafe rest = rest.dropFirst(size)
        }
        return true
    }

    // MARK: The owner of a connection

    /// Takes a client's datagram out of a frame, as if it had come from the client.
    func receive(_ datagram: UnsafeRawBufferPointer, from frame: RelayFrame) {
        guard !self.isClosed, let remote = self.address(frame.client) else { return }
        if self.burstConnection == nil { self.context.beginBurst() }
        unsafe self.receive(
            datagram,
            from: remote,
            to: self.canonicalAddress,
            ecn: frame.ecn,
            now: self.now,
            ingress: RelayIngress(frame)
        )
    }

    /// A datagram of another node for a connection that is not here begins nothing and is not answered: the other node would have
    /// done so.
    func dropUnknown(_ header: PacketHeader, _ origin: QUICConnectionIDOrigin, _ ingress: RelayIngress) {
        if case .run = origin { self.relay?.loop.count(.looping) }
        switch header.form {
        case .short: self.counters.dropped.unknownConnection += 1
        case .long: self.counters.dropped.unexpectedLongHeader += 1
        }
    }

    /// The address as this endpoint's socket sees it; `nil` if the socket cannot reach it.
    private func address(_ relayed: RelayAddress) -> DatagramAddress? {
        let address = DatagramAddress(relayed)
        if self.canonicalAddress.isIPv6 { return address.mappedToIPv6 }
        return address.isIPv6 ? nil : address
    }
}

/// The place of an endpoint in the relay of its loop.
struct RelaySeat {
    let loop: LoopRelay
    /// The number of the endpoint's listener.
    let listener: UInt8

    init(_ loop: LoopRelay, listener: UInt8, for endpoint: QUICEndpoint) {
        self.loop = loop
        self.listener = listener
        loop.join(endpoint, listener: listener)
    }

    func leave() { self.loop.leave(listener: self.listener) }
}
