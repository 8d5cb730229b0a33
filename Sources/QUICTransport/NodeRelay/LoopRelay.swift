internal import NIOCore

/// The relay as the endpoints of one loop use it: it sends their strays and answers in frames to other nodes, and gives them what
/// came in frames.
///
/// Confined to the loop.
package final class LoopRelay {
    /// The number of the loop, 0 to 31.
    let worker: UInt8
    private var ring: KeyRing
    private let limits: RelayLimits
    /// The gate of this node's run. It is kept while the node is isolated: a gate that was made again would use numbers again.
    private var gate: RelayGate?
    private var own: RelayMember?
    /// Runs of this node that had a gate, which none of them gets again.
    private var former: [RelayMember] = []
    private var isIsolated = true
    private(set) var runs: KnownRuns
    /// The longest datagram that can be relayed.
    package let largestDatagram: Int

    private var outlet: RelayOutlet?
    private let batch: TransmitBatch
    private var sending = QUICCounters()
    /// By the number of the listener.
    private var endpoints: [UInt8: QUICEndpoint] = [:]
    /// Endpoints that datagrams of this burst were given to.
    private var touched: Set<UInt8> = []
    /// Counts of former gates, and of what no gate saw.
    private var counted = RelayCounters()

    /// - Throws: `.configuration` if the network between the nodes is too narrow.
    init(worker: UInt8, _ ring: KeyRing, limits: RelayLimits, socket: QUICSocketConfiguration) throws(QUICError) {
        self.worker = worker
        self.ring = ring
        self.limits = limits
        self.largestDatagram = try limits.largestDatagram()
        self.batch = TransmitBatch(socket)
        self.runs = KnownRuns(RelayMembership(own: nil), limits: limits)
    }

    /// Counts since the relay was opened.
    package var counters: RelayCounters {
        var all = self.counted
        if let gate = self.gate { all.add(gate.counters) }
        return all
    }

    /// System calls that sent frames, and what became of them.
    package var sendCalls: Int { self.sending.sendCalls }

    func count(_ refusal: RelayRefusal, _ times: Int = 1) { self.counted.count(refusal, times) }
    func countReset() { self.counted.resets += 1 }

    // MARK: Members and endpoints

    /// Runs of this node that are remembered as former ones. A run more is a run too many.
    static let maximumRuns = 1_024

    func update(_ membership: RelayMembership) {
        self.runs = KnownRuns(membership, limits: self.limits)
        if let own = membership.own, own != self.own, !self.former.contains(own), self.former.count < Self.maximumRuns,
            let gate = try? RelayGate(own, worker: self.worker, self.ring, limits: self.limits)
        {
            if let before = self.gate { self.counted.add(before.counters) }
            if let before = self.own { self.former.append(before) }
            self.gate = gate
            self.own = own
            for endpoint in self.endpoints.values { endpoint.context.identifiers.beginRun(own.node) }
        }
        self.isIsolated = membership.own == nil || membership.own != self.own
    }

    /// Seals frames by another secret from now on.
    func use(_ ring: KeyRing) {
        self.ring = ring
        self.gate?.update(ring)
    }

    func use(_ outlet: RelayOutlet?) {
        self.outlet = outlet
        self.batch.clear()
    }

    /// Adds the endpoint of a listener on this loop.
    func join(_ endpoint: QUICEndpoint, listener: UInt8) {
        self.endpoints[listener] = endpoint
        if let own = self.own { endpoint.context.identifiers.beginRun(own.node) }
    }

    func leave(listener: UInt8) { self.endpoints[listener] = nil }

    // MARK: To other nodes

    /// Sends a stray to the owner of its connection, at the end of the burst.
    func forward(
        _ datagram: UnsafeRawBufferPointer,
        to owner: RelayNode,
        at address: DatagramAddress,
        listener: UInt8,
        from client: DatagramAddress,
        local: DatagramAddress,
        ecn: UInt8,
        now: UInt64
    ) {
        unsafe self.send(datagram, to: address) { frame, gate throws(RelayRefusal) in
            guard let client = RelayAddress(client), let local = RelayAddress(local) else {
                gate.counters.count(.unanswerable)
                throw .unanswerable
            }
            try unsafe gate.forward(
                frame,
                to: owner,
                listener: listener,
                from: client,
                at: local,
                ecn: ecn,
                cameByRelay: false,
                now: now
            )
        }
    }

    /// Sends a datagram to a client that another node reaches, at the end of the burst.
    func answer(_ datagram: UnsafeRawBufferPointer, to client: DatagramAddress, by ingress: RelayIngress, ecn: UInt8) {
        guard let address = self.runs.address(of: ingress.node) else { return self.count(.stranger) }
        unsafe self.send(datagram, to: address) { frame, gate throws(RelayRefusal) in
            guard let client = RelayAddress(client) else {
                gate.counters.count(.unanswerable)
                throw .unanswerable
            }
            try unsafe gate.answer(frame, to: ingress, client: client, ecn: ecn)
        }
    }

    /// Sends a beat, at the end of the burst.
    func beat(to node: RelayNode, at address: DatagramAddress, hears: Bool) {
        let noise: InlineArray<1, UInt8> = [0]
        unsafe withUnsafeBytes(of: noise) { octets in
            unsafe self.send(octets, to: address) { frame, gate throws(RelayRefusal) in
                try unsafe gate.beat(frame, to: node, hears: hears)
            }
        }
    }

    private func send(
        _ datagram: UnsafeRawBufferPointer,
        to address: DatagramAddress,
        seal: (UnsafeMutableRawBufferPointer, inout RelayGate) throws(RelayRefusal) -> Void
    ) {
        guard !self.isIsolated, self.gate != nil else { return self.count(.isolated) }
        let count = datagram.count + RelayFrame.overhead
        guard count <= RelayFrame.maximumCount else { return self.count(.tooLong) }
        if !self.batch.hasRoom(for: count) { self.flush() }
        let frame = unsafe self.batch.tail(count)
        unsafe UnsafeMutableRawBufferPointer(rebasing: frame[RelayFrame.headerCount...]).copyMemory(from: datagram)
        do throws(RelayRefusal) {
            guard self.gate != nil else { return }
            try unsafe self.sealing(frame, seal)
        } catch {
            return
        }
        let isIPv6 = self.outlet?.isIPv6 == true
        self.batch.append(count, from: nil, to: isIPv6 ? address.mappedToIPv6 : address, ecn: 0)
    }

    private func sealing(
        _ frame: UnsafeMutableRawBufferPointer,
        _ seal: (UnsafeMutableRawBufferPointer, inout RelayGate) throws(RelayRefusal) -> Void
    ) throws(RelayRefusal) {
        guard var gate = self.gate.take() else { throw .isolated }
        defer { self.gate = gate }
        try unsafe seal(frame, &gate)
    }

    /// Sends the frames of the burst. What the kernel does not take at once is dropped: QUIC sends it again.
    func flush() {
        guard !self.batch.isEmpty else { return }
        guard let outlet = self.outlet else {
            self.count(.unsent, self.batch.datagramCount)
            return self.batch.clear()
        }
        let failed = self.sending.sendFailures + self.sending.datagramsTooLong
        if case .blocked = self.batch.send(on: outlet.descriptor, counters: &self.sending) {
            self.count(.unsent, self.batch.datagramCount)
            self.batch.clear()
        }
        self.count(.unsent, self.sending.sendFailures + self.sending.datagramsTooLong - failed)
    }

    // MARK: From other nodes

    /// Gives a client's datagram to the endpoint of its listener.
    func deliver(_ head: RelayFrame, _ datagram: UnsafeRawBufferPointer) {
        guard let endpoint = self.endpoints[head.listener] else { return self.count(.unknownListener) }
        self.touched.insert(head.listener)
        unsafe endpoint.receive(datagram, from: head)
    }

    /// Lets an answer out to its client.
    func release(_ head: RelayFrame, _ datagram: UnsafeRawBufferPointer) {
        guard let endpoint = self.endpoints[head.listener] else { return self.count(.unknownListener) }
        guard let local = try? self.gate?.release(head, now: endpoint.now) else { return }
        self.touched.insert(head.listener)
        if unsafe !endpoint.release(datagram, head, from: local) { self.count(.unsent) }
    }

    /// Ends a read burst of the relay's socket.
    func finishBurst() {
        while let listener = self.touched.popFirst() { self.endpoints[listener]?.finishBurst() }
        self.flush()
    }
}
