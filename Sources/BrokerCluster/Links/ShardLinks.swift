internal import Metrics
package import NATSClient
package import NIOCore

/// The links of one event loop of this node to all event loops of the other nodes, over core NATS: messages come once and in the order in
/// which they were sent, while both runs live. All methods are called on the loop, and all that is told comes on the loop. It has a
/// connection to NATS of its own.
package final class ShardLinks {
    package let limits: LinkLimits
    package let eventLoop: any EventLoop
    /// The number of this node's event loop.
    package let shard: Int
    let client: NATSClient
    private let cluster: ClusterName

    /// Is called with each message, the node and the shard that sent it. The message is a slice of what was read: keep a copy.
    package var onMessage: (_ message: ByteBuffer, _ node: Int, _ shard: Int) -> Void = { _, _, _ in }
    /// Is called once `onMessage` was called with the messages of a frame.
    package var onBurst: () -> Void = {}
    /// Is called when a link for which `send` returned false has room again.
    package var onRoom: (_ node: Int, _ shard: Int) -> Void = { _, _ in }
    /// Is called when a link begins anew while both runs live. Of what was handed to `send` before this call, and of what the other shard
    /// sent before its own, anything may be lost; what is sent from this call on comes.
    package var onReset: (_ node: Int, _ shard: Int, _ reason: LinkReset) -> Void = { _, _, _ in }
    /// Is called when the connection to NATS comes about or ends.
    package var onConnection: (ClientEvent) -> Void = { _ in }

    /// What was done since this was made.
    package private(set) var counters = LinkCounters()
    private var reported = LinkCounters()

    private var own: Member?
    private var subscription: SubscriptionIdentifier?
    private var peers: [Int: Peer] = [:]
    /// Epochs of the other ends of links that were closed, by node, should the same run be opened again.
    private var closed: [Int: (run: UInt64, epochs: [UInt32])] = [:]
    private var epochs: UInt32 = 0
    /// Ends with something to send or to wait for.
    private var active: Set<Place> = []
    private var isFlushScheduled = false
    private var timer: Scheduled<Void>?
    private var timerDeadline = NIODeadline.distantFuture

    private struct Place: Hashable {
        let node: Int
        let shard: Int
    }

    private final class Peer {
        let member: Member
        let subjects: [Subject]
        var ends: [LinkEnd]

        init(_ member: Member, _ subjects: [Subject], _ ends: [LinkEnd]) {
            self.member = member
            self.subjects = subjects
            self.ends = ends
        }
    }

    /// - Throws: for authorities that are no PEM certificates.
    package init(
        _ cluster: ClusterName,
        shard: Int,
        limits: LinkLimits = LinkLimits(),
        nats: ClientConfiguration,
        on eventLoop: any EventLoop
    ) throws {
        self.cluster = cluster
        self.limits = limits
        self.eventLoop = eventLoop
        self.shard = shard
        var nats = nats
        // Most frames go to the shards of the same number: where these meet at one server, no other one has to carry them.
        nats.first = shard
        let events = ClientEvents()
        client = try NATSClient(nats, on: eventLoop) { events.forward($0) }
        events.forward = { [weak self] event in self?.connectionChanged(event) }
        client.onWritable = { [weak self] in self?.scheduleFlush() }
    }

    /// Connects to NATS.
    package func start() { client.start() }

    /// Ends the connection. What was not acknowledged is dropped.
    package func stop() -> EventLoopFuture<Void> {
        end()
        timer?.cancel()
        return client.stop()
    }

    // MARK: Members

    /// This node is a member as this run: its subject is listened to. Links of an earlier run are closed.
    package func begin(as member: Member) {
        guard own?.run != member.run else { return own = member }
        end()
        own = member
        subscription = client.subscribe(subject(of: member.node, shard)) { [weak self] publication in
            self?.receive(publication.payload)
        }
    }

    /// This node's run is over: all links are closed, and nothing is listened to.
    package func end() {
        for node in Array(peers.keys) { close(to: node) }
        // Another run of this node has links of its own.
        closed = [:]
        if let subscription { client.unsubscribe(subscription) }
        subscription = nil
        own = nil
    }

    /// Makes links to all shards of a run of another node. An earlier run's are closed; one that is open already stays as it is.
    package func open(to member: Member) {
        guard let own, own.node != member.node, peers[member.node]?.member.run != member.run else { return }
        close(to: member.node)
        let shards = min(max(member.shards, 1), Self.maximumShards)
        let known = closed[member.node].flatMap { $0.run == member.run ? $0.epochs : nil } ?? []
        let ends = (0..<shards).map { other in
            epochs += 1
            return LinkEnd(
                LinkEnd.Address(node: own.node, shard: shard, run: own.run),
                LinkEnd.Address(node: member.node, shard: other, run: member.run),
                epoch: epochs,
                after: other < known.count ? known[other] : 0,
                limits
            )
        }
        closed[member.node] = nil
        peers[member.node] = Peer(member, (0..<shards).map { subject(of: member.node, $0) }, ends)
    }

    /// Closes the links to a node: what was not acknowledged is dropped, and what its run still sends is not taken.
    package func close(to node: Int) {
        guard let peer = peers.removeValue(forKey: node) else { return }
        closed[node] = (peer.member.run, peer.ends.map(\.newestOtherEpoch))
        for shard in peer.ends.indices { active.remove(Place(node: node, shard: shard)) }
    }

    /// The run of a node that links are open to.
    package func member(_ node: Int) -> Member? { peers[node]?.member }

    private static let maximumShards = 32

    private func subject(of node: Int, _ shard: Int) -> Subject {
        Subject(trusted: "martlet.\(cluster).shard.\(node).\(shard)")
    }

    // MARK: Sending

    /// Hands a message over to a shard of another node. It leaves with `flush`, and with what else there is for that shard.
    ///
    /// - Returns: false once more than `LinkLimits.maximumOctets` wait for that shard: hold back until `onRoom`. The message is taken all
    ///   the same, up to `LinkLimits.hardMaximumOctets`. False also if there is no link, or the message is over
    ///   `LinkLimits.maximumMessage`; then it is dropped and counted.
    package func send(_ message: ByteBuffer, to node: Int, shard: Int) -> Bool {
        guard let peer = peers[node], peer.ends.indices.contains(shard) else {
            counters.dropped += 1
            return false
        }
        let hasRoom = peer.ends[shard].send(message, &counters)
        active.insert(Place(node: node, shard: shard))
        return hasRoom
    }

    /// Octets that wait for a shard: not sent, or sent and not acknowledged.
    package func octetsWaiting(for node: Int, shard: Int) -> Int {
        guard let peer = peers[node], peer.ends.indices.contains(shard) else { return 0 }
        return peer.ends[shard].octetsWaiting
    }

    /// Octets that wait for all shards.
    package var octetsWaiting: Int { peers.values.reduce(0) { $0 + $1.ends.reduce(0) { $0 + $1.octetsWaiting } } }

    /// The connection to NATS.
    package var nats: NATSStatus { NATSStatus(of: client, for: "links \(shard)") }

    private func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.assumeIsolated().execute { self.flush() }
    }

    /// Sends what there is. The owner calls this once in a tick, behind its last `send`.
    package func flush() {
        isFlushScheduled = false
        restartBroken()
        write(.now())
        setTimer()
    }

    /// Frames of all links in turn, so that no large message makes other shards wait, while the socket takes them.
    private func write(_ now: NIODeadline) {
        guard client.isReady, client.isWritable else { return }
        var frames: [Publication] = []
        var writing = Array(active)
        while !writing.isEmpty {
            writing = writing.filter { place in
                guard let peer = peers[place.node], peer.ends.indices.contains(place.shard),
                    let frame = peer.ends[place.shard].nextFrame(now, &counters)
                else { return false }
                frames.append(Publication(to: peer.subjects[place.shard], payload: frame))
                return true
            }
        }
        if !frames.isEmpty { client.publish(frames) }
    }

    private func restartBroken() {
        for place in active {
            guard let peer = peers[place.node], peer.ends.indices.contains(place.shard), peer.ends[place.shard].isBroken
            else { continue }
            epochs += 1
            peer.ends[place.shard].restart(epoch: epochs, &counters)
            onReset(place.node, place.shard, .overflowed)
        }
    }

    // MARK: Receiving

    private func receive(_ octets: ByteBuffer) {
        var entries = octets
        guard let head = LinkHead(reading: &entries) else {
            counters.malformed += 1
            return
        }
        guard let own, head.receiverRun == own.run, let peer = peers[head.node], peer.member.run == head.run,
            peer.ends.indices.contains(head.shard)
        else {
            counters.strangers += 1
            return
        }
        let now = NIODeadline.now()
        let place = Place(node: head.node, shard: head.shard)
        active.insert(place)
        var reset = receive(head, entries, peer, now)
        if let reason = reset {
            onReset(place.node, place.shard, reason)
            if reason == .byOtherSide, peers[place.node] === peer { reset = receive(head, entries, peer, now) }
        }
        if peers[place.node] === peer, peer.ends[place.shard].takeRoom() { onRoom(place.node, place.shard) }
        guard peers[place.node] === peer, !peer.ends[place.shard].isBroken, !peer.ends[place.shard].hasFrame(now) else {
            return scheduleFlush()
        }
        if let deadline = peer.ends[place.shard].nextDeadline { setTimer(deadline) }
    }

    /// The messages come out of the end before the owner gets them, who may send.
    private func receive(_ head: LinkHead, _ entries: ByteBuffer, _ peer: Peer, _ now: NIODeadline) -> LinkReset? {
        var messages: [ByteBuffer] = []
        let reset = peer.ends[head.shard].receive(head, entries, now, epochs: &epochs, &counters) {
            messages.append($0)
        }
        for message in messages where peers[head.node] === peer { onMessage(message, head.node, head.shard) }
        if !messages.isEmpty { onBurst() }
        return reset
    }

    // MARK: Connection and time

    private func connectionChanged(_ event: ClientEvent) {
        if case .ready = event {
            let now = NIODeadline.now()
            for (node, peer) in peers {
                for shard in peer.ends.indices {
                    peer.ends[shard].reconnected(now)
                    active.insert(Place(node: node, shard: shard))
                }
            }
            scheduleFlush()
        }
        onConnection(event)
    }

    /// Forgets ends with nothing under way, and waits for the first of the others. While nothing can be sent, the connection says when
    /// that changes.
    private func setTimer() {
        guard client.isReady, client.isWritable else { return }
        let now = NIODeadline.now()
        var first = NIODeadline.distantFuture
        for place in active {
            guard let peer = peers[place.node], peer.ends.indices.contains(place.shard) else { continue }
            if let deadline = peer.ends[place.shard].nextDeadline {
                first = min(first, deadline)
            } else if peer.ends[place.shard].octetsWaiting == 0, !peer.ends[place.shard].hasFrame(now) {
                active.remove(place)
            }
        }
        setTimer(first)
    }

    private func setTimer(_ deadline: NIODeadline) {
        // A timer that fires too early looks again.
        guard deadline < timerDeadline else { return }
        timer?.cancel()
        timerDeadline = deadline
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.advance() }
    }

    private func advance() {
        timerDeadline = .distantFuture
        let now = NIODeadline.now()
        // Without a connection nobody can answer.
        if client.isReady {
            for place in active {
                guard let peer = peers[place.node], peer.ends.indices.contains(place.shard) else { continue }
                peer.ends[place.shard].advance(now, &counters)
            }
        }
        flush()
    }

    /// Adds the growth since the last call to the counters `martlet_links_NAME_total`, and sets the gauges `martlet_links_open` and
    /// `martlet_links_octets`, what waits for all shards.
    package func reportMetrics(dimensions: [(String, String)]) {
        for (name, path) in LinkCounters.names {
            let grown = counters[keyPath: path] - reported[keyPath: path]
            if grown > 0 { Counter(label: "martlet_links_\(name)_total", dimensions: dimensions).increment(by: grown) }
        }
        reported = counters
        Gauge(label: "martlet_links_open", dimensions: dimensions).record(peers.values.reduce(0) { $0 + $1.ends.count })
        Gauge(label: "martlet_links_octets", dimensions: dimensions).record(octetsWaiting)
    }
}
