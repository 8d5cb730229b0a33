import MQTTCodec
import NIOCore

// The other nodes of a cluster. The shell tells shard 0 of them, which tells the other shards of the node, so that no shard knows a node before
// shard 0 does, which speaks to that node for all.
extension Shard {
    /// A run of another node is there, and the links to it are open. Told to shard 0.
    package mutating func joined(node: Int, shards: Int, now: Instant) {
        guard neighbours != nil, (0..<Neighbours.maximumNodes).contains(node), node != Int(own.node),
            (1...Self.maximumCount).contains(shards)
        else { return }
        let node = UInt8(node)
        if neighbours?[node] != nil { died(node: Int(node), now: now) }
        begin(with: node, shards: shards, now: now)
        drainLocal(now: now)
    }

    /// Tells another node what that has to know before it serves clients.
    ///
    /// - Parameter isAsking: true if the other node is to do likewise, and to forget what it knew of this one.
    private mutating func begin(with node: UInt8, shards: Int, isAsking: Bool = false, now: Instant) {
        let message = ClusterMessage.joined(node, shards: shards)
        broadcast(.cluster(message))
        handle(message, from: own, now: now)
        let speaker = ShardReference(node: Int(node), shard: 0)
        if isAsking { send(.cluster(.forgot(own.node)), to: speaker) }
        if let told = router.told { send(.cluster(.interest(of: own.node, told)), to: speaker) }
        for shard in lanes.leadingShards where shard.node == own.node {
            send(.cluster(.leads(shard, leadTerms(of: shard))), to: speaker)
        }
        send(.cluster(.introduced(own.node)), to: speaker)
    }

    /// A link of this shard to a node has lost messages, and the run of the node goes on: nothing more is sent there before shard 0 has begun
    /// anew with the node.
    package mutating func lostLink(toNode node: Int, now: Instant) {
        // There may be deputies of connections of a node that shard 0 has not begun anew with yet.
        guard let node = UInt8(exactly: node), neighbours != nil else { return }
        forget(node, isOver: false, now: now)
        drainLocal(now: now)
    }

    /// A link to a node has lost messages: this node and the other one forget what they knew of each other, and tell it again. What was under way
    /// on other links may come before or behind that. Told to shard 0.
    ///
    /// - Parameter shards: event loops of the other node.
    package mutating func relearn(node: Int, shards: Int, now: Instant) {
        guard let node = UInt8(exactly: node), (1...Self.maximumCount).contains(shards) else { return }
        relearn(node, shards: shards, isAsked: false, now: now)
        drainLocal(now: now)
    }

    private mutating func relearn(_ node: UInt8, shards: Int, isAsked: Bool, now: Instant) {
        broadcast(.cluster(.lostLink(node)))
        forget(node, isOver: false, now: now)
        begin(with: node, shards: shards, isAsking: !isAsked, now: now)
    }

    /// True for a shard of this node or of one that is there.
    func isKnown(_ shard: ShardReference) -> Bool { shard.node == own.node || neighbours?[shard.node] != nil }

    /// Nothing is heard of a node for now: no SUBACK waits for it; or it is heard again. Told to shard 0.
    package mutating func suspected(node: Int, _ isSuspected: Bool, now: Instant) {
        guard let node = UInt8(exactly: node), neighbours?[node] != nil else { return }
        let message = ClusterMessage.suspected(node, isSuspected)
        broadcast(.cluster(message))
        handle(message, from: own, now: now)
        drainLocal(now: now)
    }

    /// A run of another node is over. Told to shard 0.
    package mutating func died(node: Int, now: Instant) {
        guard let node = UInt8(exactly: node), neighbours?[node] != nil else { return }
        let message = ClusterMessage.died(node)
        broadcast(.cluster(message))
        handle(message, from: own, now: now)
        drainLocal(now: now)
    }

    /// The link to a node has no room, or has room again.
    package mutating func setFull(_ isFull: Bool, node: Int) {
        guard let node = UInt8(exactly: node) else { return }
        neighbours?[node]?.isFull = isFull
    }

    /// True once all nodes that are there have told what a node has to know before it serves clients, and every lane is led.
    package var isIntroduced: Bool {
        neighbours == nil || lanes.isEachLed && knowsNeighbours
    }

    /// True once all nodes that are there have told what a node has to know.
    package var knowsNeighbours: Bool {
        guard let neighbours else { return true }
        return neighbours.numbers.allSatisfy { neighbours[$0]?.isIntroduced == true }
    }

    /// The lanes that no shard leads, as far as this one knows: a bit for each.
    package var lanesWithoutLeader: UInt64 {
        Lane.all.reduce(0) { lanes.leader(of: $1) == nil ? $0 | $1.bit : $0 }
    }

    /// The lanes that this shard leads: a bit for each.
    package var lanesLedByOwn: UInt64 { lanes.led(by: own) }

    /// The lanes, in order: the node that leads each, as far as this shard knows, and its newest term.
    package var leads: [(node: Int?, term: UInt64)] {
        Lane.all.map { lane in (lanes.leader(of: lane).map { Int($0.node) }, lanes.term(of: lane)) }
    }

    /// The number of the node that leads a lane, and the term; `nil` while none does.
    package func lead(ofLane number: Int) -> (node: Int, term: UInt64)? {
        guard let number = UInt8(exactly: number), let lane = Lane(number: number), let leader = lanes.leader(of: lane)
        else { return nil }
        return (Int(leader.node), lanes.term(of: lane))
    }

    // MARK: - What shards tell each other

    /// Tells all other shards of all nodes.
    mutating func tellEverybody(_ body: ShardMessage.Body) {
        broadcast(body)
        if index == 0 { toSpeakers(body) }
    }

    /// Shard 0 passes on what the shards of a node tell those of the other nodes.
    mutating func passOnTold(_ body: ShardMessage.Body, from source: ShardReference) {
        guard index == 0, neighbours != nil, source != own else { return }
        if source.node == own.node { toSpeakers(body) } else { broadcast(body) }
    }

    private mutating func toSpeakers(_ body: ShardMessage.Body) {
        for node in neighbours?.numbers ?? [] { send(body, to: ShardReference(node: Int(node), shard: 0)) }
    }

    /// Shard 0 tells the other nodes what a change of a shard's interest changes in the node's.
    mutating func tellNodes(_ change: Interest.Change) {
        guard let change = router.changeOfNode(after: change) else { return }
        toSpeakers(.cluster(.interestChange(of: own.node, change)))
    }

    /// The nodes that a SUBSCRIBE waits for, each with the number of its shards.
    var trustedNodes: [UInt8: Int] {
        var nodes: [UInt8: Int] = [:]
        for number in neighbours?.numbers ?? [] {
            if let node = neighbours?[number], !node.isSuspected { nodes[number] = node.shards }
        }
        return nodes
    }

    mutating func handle(_ message: ClusterMessage, from source: ShardReference, now: Instant) {
        // Another node speaks for itself only.
        if source.node != own.node, let node = message.node, node != source.node { return }
        if let node = message.node, node != own.node, !hears(message, of: node) { return }
        switch message {
        case .joined(let node, let shards):
            neighbours?[node] = Neighbours.Node(shards: shards)
            for (client, holder) in sessions.directory.claimed(ofNode: node) {
                send(.evict(holder, of: client), to: holder.shard)
            }
        case .suspected(let node, let isSuspected):
            neighbours?[node]?.isSuspected = isSuspected
            if isSuspected { stopWaiting(for: node, now: now) }
        case .lease(let end): hasLease(until: end, now: now)
        case .died(let node): forget(node, isOver: true, now: now)
        case .lostLink(let node): forget(node, isOver: false, now: now)
        case .forgot(let node):
            if index == 0, let shards = neighbours?[node]?.shards {
                relearn(node, shards: shards, isAsked: true, now: now)
            }
        case .interest(let node, let told):
            // Which lanes it leads comes next, and what was heard of that before may be over.
            for lane in Lane.lanes(of: lanes.led(byNode: node)) {
                lanes.setLead(nil, of: lane)
                lanes.limbo.addUnknown(lane.bit)
            }
            neighbours?[node]?.hasTold = true
            router.replace(told, ofNode: node)
            passOnTold(.cluster(message), from: source)
        case .interestChange(let node, let change):
            router.apply(change, ofNode: node)
            passOnTold(.cluster(message), from: source)
        case .leads(let shard, let terms):
            leads(shard, terms, now: now)
            passOnTold(.cluster(message), from: source)
        case .lost(let shard, let terms):
            lost(shard, terms)
            passOnTold(.cluster(message), from: source)
        case .introduced(let node):
            neighbours?[node]?.isIntroduced = true
            passOnTold(.cluster(message), from: source)
        case .asks(let shard, let question):
            passOnTold(.cluster(message), from: source)
            answer(question, of: shard)
        case .answers(let shard, let asker, let question):
            passOnTold(.cluster(message), from: source)
            answered(question, by: shard, to: asker, now: now)
        case .holds(let client, let holder): holds(client, holder)
        }
    }

    /// False for what a node has told before it is known, or is known again: it tells everything, its interest first.
    private func hears(_ message: ClusterMessage, of node: UInt8) -> Bool {
        guard let neighbour = neighbours?[node] else { return false }
        switch message {
        case .interest, .forgot: return true
        default: return neighbour.hasTold
        }
    }

    /// Nothing is to be expected of a node for now.
    private mutating func stopWaiting(for node: UInt8, now: Instant) {
        for connection in connections.all { stopWaiting(for: node, connection, now: now) }
        for deputy in deputies.values { stopWaiting(for: node, deputy, now: now) }
        stopAsking(node, now: now)
    }

    /// A run of another node is over, or a link to it has lost messages: its connections are lost, and its lanes have no leader.
    ///
    /// - Parameter isOver: false if the run goes on: then its connections may go on with their sessions, and what it had sent may still come.
    private mutating func forget(_ node: UInt8, isOver: Bool, now: Instant) {
        // What is not known to be kept or settled is told again, in its order.
        effects.dropRetold(forNode: node)
        let lost = lanes.led(byNode: node)
        lanes.limbo.add(lost, router.durableBuckets(ofNode: node))
        router.replace(Interest.Told(), ofNode: node)
        for lane in Lane.lanes(of: lost) { lanes.setLead(nil, of: lane) }
        // The node may have taken lanes from this shard, which has not heard of it: whether the next record is stored tells.
        for lane in Lane.lanes(of: lanes.led(by: own)) {
            lanes.append(.passed(lanes[lane].outbox.lastPassed), to: lane)
            lanes.isUrgent = true
        }
        neighbours?[node] = nil
        for awaited in lanes.takeAwaited(ofNode: node) { holdAwaited(awaited, now: now) }
        for deputy in deputies.values where deputy.reference.shard.node == node && !deputy.isDataStream {
            leave(deputy, publishesWill: true, isOver ? .usual : .unheard, now: now)
            if !isOver { send(.toConnection(deputy.reference, .lost), to: deputy.reference.shard) }
        }
        stopWaiting(for: node, now: now)
        lookUps.removeAll { $0.asker.node == node }
        // Whether the others have ended they say once they are asked.
        if isOver {
            for (client, holder) in sessions.directory.holders(ofNode: node) { ended(client, of: holder, now: now) }
        }
    }

    /// A node has not said whether it keeps a message, and will not: the message waits for the leaders of the node's lanes.
    private mutating func holdAwaited(_ awaited: LaneTable.Awaited, now: Instant) {
        if let message = awaited.message, message.lanes != 0 { lanes.limbo.hold(message) }
        settle(awaited.receipt, now: now)
    }
}
