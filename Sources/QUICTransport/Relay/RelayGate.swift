/// The side of the relay that each loop has: it makes frames of the strays and the answers of its loop, and lets out to
/// clients only what those owners send that the clients' own datagrams went to lately.
package struct RelayGate {
    package internal(set) var counters = RelayCounters()
    /// The longest datagram that can be relayed.
    package let largestDatagram: Int

    private let own: RelayMember
    private let worker: UInt8
    private var key: RelayKey
    private var rotation: UInt8
    private var addresses: RecentAddresses
    private var shares: HostShares
    /// The counter of the next frame.
    private var next: UInt64 = 0

    /// - Parameter worker: the number of the loop, 0 to 31. No two gates of one run have the same.
    /// - Throws: `.configuration` if the network between the nodes is too narrow.
    package init(
        _ own: RelayMember,
        worker: UInt8,
        _ ring: KeyRing,
        limits: RelayLimits = RelayLimits()
    ) throws(QUICError) {
        guard worker < RoutableConnectionIDGenerator.maximumWorkers else {
            throw .configuration("a relay has at most \(RoutableConnectionIDGenerator.maximumWorkers) loops")
        }
        self.own = own
        self.worker = worker
        self.key = RelayKey(of: own, ring)
        self.rotation = UInt8(truncatingIfNeeded: ring.rotation)
        self.largestDatagram = try limits.largestDatagram()
        self.addresses = RecentAddresses(
            capacity: limits.addresses,
            unanswered: limits.unansweredAddresses,
            lifetime: limits.addressLifetime
        )
        self.shares = HostShares(
            count: limits.hosts,
            burst: limits.unansweredBurst,
            interval: limits.unansweredInterval.unsignedNanoseconds
        )
    }

    /// Seals frames by another secret from now on. Numbers go on, so that windows do, too.
    package mutating func update(_ ring: KeyRing) {
        self.key = RelayKey(of: self.own, ring)
        self.rotation = UInt8(truncatingIfNeeded: ring.rotation)
    }

    // MARK: The node that a client reaches

    /// Makes a frame of a stray for the owner of its connection.
    ///
    /// - Parameters:
    ///   - frame: the datagram with `RelayFrame.headerCount` octets before it and `RelayFrame.tagCount` after it.
    ///   - listener: the number of the listener that the client reaches.
    ///   - local: the address of this node that the client reaches.
    ///   - cameByRelay: true for a datagram that came in a frame, which is never relayed again.
    ///   - now: nanoseconds of the clock of all calls.
    package mutating func forward(
        _ frame: UnsafeMutableRawBufferPointer,
        to owner: RelayNode,
        listener: UInt8 = 0,
        from client: RelayAddress,
        at local: RelayAddress,
        ecn: UInt8,
        cameByRelay: Bool,
        now: UInt64
    ) throws(RelayRefusal) {
        let pair = RecentAddresses.Pair(owner: owner, listener: listener, client: client)
        do throws(RelayRefusal) {
            guard !cameByRelay else { throw .looping }
            if self.addresses.standing(of: pair, now: now) != .answered, !self.shares.take(client, now: now) {
                throw .rationed
            }
            let ingress = RelayIngress(node: self.own.node, worker: self.worker, listener: listener)
            try unsafe self.seal(frame, .forward, to: owner, by: ingress, client: client, ecn: ecn)
        } catch {
            self.counters.count(error)
            throw error
        }
        self.counters.forwardsOut += 1
        if !self.addresses.note(pair, at: local, now: now) { self.counters.addressesDisplaced += 1 }
    }

    /// Decides whether the datagram in an answer goes out to its client.
    ///
    /// - Parameter answer: the head of a frame that `RelayReceiver` has taken.
    /// - Returns: the address of this node from which the datagram has to leave.
    package mutating func release(_ answer: RelayFrame, now: UInt64) throws(RelayRefusal) -> RelayAddress {
        let pair = RecentAddresses.Pair(owner: answer.sender, listener: answer.listener, client: answer.client)
        guard answer.kind == .answer, let way = self.addresses.answer(pair, now: now) else {
            self.counters.count(.unknownAddress)
            throw .unknownAddress
        }
        if !way.isRoomy { self.counters.addressesDisplaced += 1 }
        self.counters.answersReleased += 1
        return way.local
    }

    // MARK: Beats

    /// Makes a beat for another node.
    ///
    /// - Parameters:
    ///   - frame: `RelayFrame.overhead` octets and `RelayFrame.beatCount`.
    ///   - hears: whether beats of that node arrive here.
    package mutating func beat(
        _ frame: UnsafeMutableRawBufferPointer,
        to receiver: RelayNode,
        hears: Bool
    ) throws(RelayRefusal) {
        guard frame.count == RelayFrame.overhead + RelayFrame.beatCount else { throw .malformed }
        unsafe frame[RelayFrame.headerCount] = RelayFrame.beatOctet(hears: hears)
        do throws(RelayRefusal) {
            let nobody = RelayIngress(node: receiver, worker: 0, listener: 0)
            try unsafe self.seal(frame, .beat, to: receiver, by: nobody, client: .none, ecn: 0)
        } catch {
            self.counters.count(error)
            throw error
        }
        self.counters.beatsOut += 1
    }

    // MARK: The owner of a connection

    /// Makes a frame of a datagram for a client that another node reaches.
    ///
    /// - Parameters:
    ///   - frame: the datagram or the train with `RelayFrame.headerCount` octets before it and `RelayFrame.tagCount` after.
    ///   - ingress: the way that the client's datagram came.
    ///   - segmentSize: octets of each datagram of a train but the last, 0 for one datagram.
    package mutating func answer(
        _ frame: UnsafeMutableRawBufferPointer,
        to ingress: RelayIngress,
        client: RelayAddress,
        ecn: UInt8,
        segmentSize: UInt16 = 0
    ) throws(RelayRefusal) {
        do throws(RelayRefusal) {
            try unsafe self.seal(
                frame,
                .answer,
                to: ingress.node,
                by: ingress,
                client: client,
                ecn: ecn,
                segmentSize: segmentSize
            )
        } catch {
            self.counters.count(error)
            throw error
        }
        self.counters.answersOut += 1
    }

    private mutating func seal(
        _ frame: UnsafeMutableRawBufferPointer,
        _ kind: RelayFrame.Kind,
        to receiver: RelayNode,
        by ingress: RelayIngress,
        client: RelayAddress,
        ecn: UInt8,
        segmentSize: UInt16 = 0
    ) throws(RelayRefusal) {
        guard frame.count > RelayFrame.overhead else { throw .tooShort }
        guard frame.count - RelayFrame.overhead <= self.largestDatagram else { throw .tooLong }
        guard receiver.number != self.own.node.number else { throw .looping }
        guard kind == .beat || !client.isUnanswerable else { throw .unanswerable }
        guard self.next >> RelayFrame.counterBits == 0 else { throw .exhausted }
        var head = RelayFrame(
            kind,
            from: self.own.node,
            to: receiver,
            number: UInt64(self.worker) << RelayFrame.counterBits | self.next,
            worker: ingress.worker,
            listener: ingress.listener,
            client: client,
            ecn: ecn,
            rotation: self.rotation
        )
        head.segmentSize = segmentSize
        unsafe head.write(into: frame)
        // What no node would take is not sent: a frame in a frame, or a train that is none.
        _ = try unsafe RelayFrame(UnsafeRawBufferPointer(frame))
        unsafe self.key.seal(frame)
        self.next += 1
    }
}
