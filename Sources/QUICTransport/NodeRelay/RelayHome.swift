internal import Logging
internal import NIOCore

/// The side of the relay that a node has once: the socket, and the receiver of all frames, whose replay windows must not be
/// split. It lives on the first loop; what is for other loops is handed over, a batch for each read burst.
final class RelayHome {
    private let loop: any EventLoop
    private let configuration: RelayConfiguration
    private var ring: KeyRing
    private let logger: Logger
    /// The relay of the same loop.
    private let relay: LoopRelay
    private let relays: [NIOLoopBound<LoopRelay>]
    private let inboxes: [RelayInbox]
    /// By loop: answers of this read burst.
    private var batches: [RelayBatch]

    private var membership = RelayMembership(own: nil)
    /// `nil` while the node has had no run.
    private var receiver: RelayReceiver?
    private var receiving: RelayNode?
    /// Runs of this node that had a receiver: another one would take their frames a second time.
    private var former: Set<RelayNode> = []
    private var beats: RelayBeats
    private var beating: Scheduled<Void>?

    private(set) var socket: EndpointSocket?
    private(set) var isClosed = false
    /// Counts of former receivers, and of what no receiver saw.
    private var counted = RelayCounters()
    private(set) var socketsReplaced = 0

    init(
        _ configuration: RelayConfiguration,
        ring: KeyRing,
        relays: [NIOLoopBound<LoopRelay>],
        relay: LoopRelay,
        loop: any EventLoop,
        logger: Logger
    ) {
        self.configuration = configuration
        self.ring = ring
        self.relays = relays
        self.relay = relay
        self.loop = loop
        self.logger = logger
        self.inboxes = relays.map { RelayInbox($0, limit: configuration.limits.waitingOctets) }
        self.batches = Array(repeating: RelayBatch(), count: relays.count)
        self.beats = RelayBeats(patience: configuration.limits.beatPatience)
    }

    /// Counts since the relay was opened, without those of the loops.
    var counters: RelayCounters {
        var all = self.counted
        if let receiver = self.receiver { all.add(receiver.counters) }
        return all
    }

    /// Frames that the kernel has dropped because the receive buffer was full.
    var framesDroppedByKernel: Int { self.socket?.drops ?? 0 }

    private var now: UInt64 { self.loop.now.uptimeNanoseconds }

    // MARK: Members

    /// Tells the members. An own run that is later than the one before takes its place.
    ///
    /// - Returns: what succeeds when all loops know.
    @discardableResult
    func update(_ told: RelayMembership) -> EventLoopFuture<Void> {
        self.membership = told
        if let own = told.own?.node, self.former.contains(own) || self.former.count >= LoopRelay.maximumRuns {
            self.membership.own = nil
        }
        let membership = self.membership
        if let own = membership.own?.node, own != self.receiving {
            if let before = self.receiving { self.former.insert(before) }
            if let before = self.receiver { self.counted.add(before.counters) }
            self.receiver = RelayReceiver(own, self.ring, limits: self.configuration.limits)
            self.receiving = own
        }
        let members = membership.own == nil ? [] : membership.peers.map(\.member)
        self.receiver?.update(members: members)
        self.beats.update(members.map(\.node))
        let loops = self.relays.map { relay in
            relay.eventLoop.submit { relay.value.update(membership) }
        }
        return EventLoopFuture.andAllSucceed(loops, on: self.loop)
    }

    /// Opens frames by the secrets of another ring from now on, and seals them by the one that it issues with.
    ///
    /// - Returns: what succeeds when all loops know.
    func use(_ ring: KeyRing) -> EventLoopFuture<Void> {
        self.ring = ring
        self.receiver?.update(ring)
        let loops = self.relays.map { relay in relay.eventLoop.submit { relay.value.use(ring) } }
        return EventLoopFuture.andAllSucceed(loops, on: self.loop)
    }

    func reachability() -> [RelayReachability] { self.beats.reachability(now: self.now) }

    /// Sends a beat to each member, and again after a while.
    private func beat() {
        guard !self.isClosed else { return }
        let now = self.now
        let peers = self.membership.own == nil ? [] : self.membership.peers
        for peer in peers.prefix(self.configuration.limits.members) {
            guard let address = DatagramAddress(peer.address) else { continue }
            self.relay.beat(to: peer.member.node, at: address, hears: self.beats.hears(peer.member.node, now: now))
        }
        self.relay.flush()
        let interval = self.configuration.limits.beatInterval.unsignedNanoseconds
        let pause = TimeAmount.nanoseconds(Int64(clamping: interval))
        self.beating = self.loop.assumeIsolated().scheduleTask(in: pause) { self.beat() }
    }

    // MARK: The socket

    private var wishes: DatagramSocket.Wishes {
        var wishes = DatagramSocket.Wishes()
        wishes.socket = self.configuration.socket
        return wishes
    }

    /// The address that the socket is bound to, once it is open.
    var address: SocketAddress { self.socket?.socket.address.socketAddress ?? self.configuration.address }

    /// Opens the socket, and begins to send beats.
    func open() -> EventLoopFuture<Void> {
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        return self.openSocket(on: self.configuration.address).map { socket in
            bound.value.use(socket.value)
            bound.value.beat()
        }
    }

    private func openSocket(on address: SocketAddress) -> EventLoopFuture<NIOLoopBound<EndpointSocket>> {
        do {
            let socket = try DatagramSocket.open(on: address, wishes: self.wishes)
            return EndpointSocket.adopt(
                socket,
                wishes: self.wishes,
                reader: NIOLoopBound(RelayReader(home: self), eventLoop: self.loop),
                loop: self.loop
            )
        } catch {
            return self.loop.makeFailedFuture(error)
        }
    }

    private func use(_ socket: EndpointSocket) {
        guard !self.isClosed else { return socket.close() }
        self.socket = socket
        self.tell(RelayOutlet(socket))
        socket.startReading()
    }

    private func tell(_ outlet: RelayOutlet?) {
        for relay in self.relays {
            relay.eventLoop.execute { relay.value.use(outlet) }
        }
    }

    /// Takes note that SwiftNIO has closed a channel. If the relay did not ask for that, it opens another socket on the same port.
    func socketClosed(_ channel: any Channel) {
        guard !self.isClosed, channel === self.socket?.channel, var address = self.socket?.socket.address else {
            return
        }
        if self.configuration.address.port != 0 { address = DatagramAddress(self.configuration.address) ?? address }
        self.socket = nil
        self.tell(nil)
        self.finishBurst()
        self.logger.warning("the socket of the relay failed, opening another", metadata: ["address": "\(self.address)"])
        self.reopen(address.socketAddress)
    }

    private func reopen(_ address: SocketAddress) {
        guard !self.isClosed else { return }
        let bound = NIOLoopBound(self, eventLoop: self.loop)
        self.openSocket(on: address).whenComplete { result in
            let home = bound.value
            switch result {
            case .success(let socket):
                home.socketsReplaced += 1
                home.use(socket.value)
            case .failure(let error):
                home.logger.error(
                    "the socket of the relay cannot be opened, trying again in a second",
                    metadata: ["address": "\(address)", "error": "\(error)"]
                )
                home.loop.scheduleTask(in: .seconds(1)) { bound.value.reopen(address) }
            }
        }
    }

    func close() -> EventLoopFuture<Void> {
        self.isClosed = true
        self.beating?.cancel()
        self.beating = nil
        self.tell(nil)
        guard let channel = self.socket?.channel else { return self.loop.makeSucceededVoidFuture() }
        self.socket = nil
        return channel.close()
    }

    // MARK: Frames

    /// Takes one message of the socket: a frame, or several equally long ones from one node (UDP_GRO).
    func receive(_ envelope: AddressedEnvelope<ByteBuffer>) {
        unsafe envelope.data.withUnsafeReadableBytes { bytes in
            let size = envelope.metadata?.segmentSize.flatMap { $0 > 0 ? $0 : nil } ?? max(1, bytes.count)
            var rest = unsafe bytes[...]
            repeat {
                unsafe self.receive(UnsafeRawBufferPointer(rebasing: rest.prefix(size)))
                unsafe rest = rest.dropFirst(size)
            } while unsafe !rest.isEmpty
        }
    }

    private func receive(_ frame: UnsafeRawBufferPointer) {
        guard self.receiver != nil, self.membership.own != nil else { return self.counted.count(.isolated) }
        guard let head = unsafe try? self.receiver?.receive(frame) else { return }
        let datagram = unsafe RelayFrame.payload(of: frame)
        switch head.kind {
        case .forward:
            unsafe self.relay.deliver(head, datagram)
        case .answer where head.worker == self.relay.worker:
            unsafe self.relay.release(head, datagram)
        case .answer:
            guard self.batches.indices.contains(Int(head.worker)) else { return self.counted.count(.unknownListener) }
            unsafe self.batches[Int(head.worker)].append(head, datagram)
            if self.batches[Int(head.worker)].weight >= Self.batchWeight { self.send(to: Int(head.worker)) }
        case .beat:
            unsafe self.beats.note(head.sender, hearsUs: RelayFrame.hears(inBeat: frame), now: self.now)
        }
    }

    /// Weight at which a batch leaves before the read burst is over, octets.
    private static let batchWeight = 64 * 1024

    private func send(to worker: Int) {
        let batch = self.batches[worker]
        self.batches[worker] = RelayBatch()
        if !self.inboxes[worker].take(batch) { self.counted.count(.crowded, batch.count) }
    }

    /// Ends a read of the socket.
    func finishBurst() {
        self.relay.finishBurst()
        for worker in self.batches.indices where !self.batches[worker].isEmpty { self.send(to: worker) }
    }
}
