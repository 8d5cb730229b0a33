/// The side of the relay that each loop has: it makes frames of the strays and the answers of its loop, and lets out to
/// clients only what those owners send that the clients' own datagrams went to lately.
package struct RelayGate {
    package private(set) var counters = RelayCounters()
    /// The longest datagram that can be relayed.
    package let largestDatagram: Int

    private let own: RelayMember
    private let worker: UInt8
    private var key: RelayKey
    private var rotation: UInt8
    private var addresses: RecentAddresses
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
        self.addresses = RecentAddresses(capacity: limits.addresses, lifetime: limits.addressLifetime)
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
    ///   - local: the address of this node that the client reaches.
    ///   - cameByRelay: true for a datagram that came in a frame, which is never relayed again.
    ///   - now: nanoseconds of the clock of all calls.
    package mutating func forward(
        _ frame: UnsafeMutableRawBufferPointer,
        to owner: RelayNode,
        from client: RelayAddress,
        at local: RelayAddress,
        ecn: UInt8,
        cameByRelay: Bool,
        now: UInt64
    ) throws(RelayRefusal) {
        do throws(RelayRefusal) {
            guard !cameByRelay else { throw .looping }
            try unsafe self.seal(frame, .forward, to: owner, worker: self.worker, client: client, ecn: ecn)
        } catch {
            self.counters.count(error)
            throw error
        }
        self.counters.forwardsOut += 1
        if !self.addresses.note(client, of: owner, at: local, now: now) { self.counters.addressesDisplaced += 1 }
    }

    /// Decides whether the datagram in an answer goes out to its client.
    ///
    /// - Parameter answer: the head of a frame that `RelayReceiver` has taken.
    /// - Returns: the address of this node from which the datagram has to leave.
    package mutating func release(_ answer: RelayFrame, now: UInt64) throws(RelayRefusal) -> RelayAddress {
        guard answer.kind == .answer,
            let local = self.addresses.local(for: answer.client, of: answer.sender, now: now)
        else {
            self.counters.count(.unknownAddress)
            throw .unknownAddress
        }
        self.counters.answersReleased += 1
        return local
    }

    // MARK: The owner of a connection

    /// Makes a frame of a datagram for a client that another node reaches.
    ///
    /// - Parameters:
    ///   - frame: the datagram or the train with `RelayFrame.headerCount` octets before it and `RelayFrame.tagCount` after.
    ///   - worker: the worker of the frame that the client's datagram came in.
    ///   - segmentSize: octets of each datagram of a train but the last, 0 for one datagram.
    package mutating func answer(
        _ frame: UnsafeMutableRawBufferPointer,
        to ingress: RelayNode,
        worker: UInt8,
        client: RelayAddress,
        ecn: UInt8,
        segmentSize: UInt16 = 0
    ) throws(RelayRefusal) {
        do throws(RelayRefusal) {
            try unsafe self.seal(
                frame,
                .answer,
                to: ingress,
                worker: worker,
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
        worker: UInt8,
        client: RelayAddress,
        ecn: UInt8,
        segmentSize: UInt16 = 0
    ) throws(RelayRefusal) {
        guard frame.count > RelayFrame.overhead else { throw .tooShort }
        guard frame.count - RelayFrame.overhead <= self.largestDatagram else { throw .tooLong }
        guard receiver.number != self.own.node.number else { throw .looping }
        guard !client.isUnanswerable else { throw .unanswerable }
        guard self.next >> RelayFrame.counterBits == 0 else { throw .exhausted }
        var head = RelayFrame(
            kind,
            from: self.own.node,
            to: receiver,
            number: UInt64(self.worker) << RelayFrame.counterBits | self.next,
            worker: worker,
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
