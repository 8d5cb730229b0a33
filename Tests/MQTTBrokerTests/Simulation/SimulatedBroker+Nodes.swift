import NIOCore
import Testing

@testable import MQTTBroker

// Several nodes: their links, their lanes, and their deaths.
extension SimulatedBroker {
    /// Nodes that know each other, with all lanes led.
    static func cluster(
        nodes: Int = 3,
        shards: Int = 2,
        limits: Limits = Limits(),
        seed: UInt64 = 1,
        hasLongTicks: Bool = false
    ) -> SimulatedBroker {
        let broker = SimulatedBroker(shards: 1, limits: limits, seed: seed, hasLongTicks: hasLongTicks)
        broker.cluster = SimulatedCluster(nodes: nodes, shards: shards)
        broker.shards = (0..<nodes).flatMap { node in broker.seats(of: node, shards) }
        broker.mailboxes = Array(repeating: [], count: nodes * shards)
        for node in 0..<nodes {
            for other in 0..<nodes where other != node { broker.introduce(other, to: node) }
        }
        broker.takeLanes()
        broker.settle()
        return broker
    }

    private func seats(of node: Int, _ count: Int) -> [Seat] {
        runs += 1
        return (0..<count).map { index in
            Seat(
                Shard(
                    index: index,
                    count: count,
                    node: node,
                    limits: SharedLimits(limits),
                    random: SeededGenerator(seed: runs &* 1000 &+ UInt64(index))
                )
            )
        }
    }

    /// The place of a shard among those of all nodes.
    func seat(of shard: ShardReference) -> Int { Int(shard.node) * (cluster?.shards ?? 0) + shard.index }

    func node(ofSeat seat: Int) -> Int { seat / (cluster?.shards ?? 1) }

    /// The places of a node's shards.
    func seats(of node: Int) -> Range<Int> {
        let count = cluster?.shards ?? 0
        return node * count..<(node + 1) * count
    }

    var livingNodes: [Int] { (0..<(cluster?.nodes ?? 0)).filter { cluster?.isAlive[$0] == true } }

    private func introduce(_ other: Int, to node: Int) {
        let place = seats(of: node).lowerBound
        shards[place].shard.joined(node: other, shards: cluster?.shards ?? 0, now: now)
        collect(place)
    }

    /// Changes a shard, and carries out what follows.
    func change(_ seat: Int, _ body: (inout Shard) -> Void) {
        body(&shards[seat].shard)
        collect(seat)
    }

    // MARK: - Links

    func send(_ messages: [ShardMessage], from source: Int, to destination: ShardReference) {
        let place = seat(of: destination)
        guard cluster?.isAlive[Int(destination.node)] == true else { return }
        var octets = ByteBuffer()
        ShardMessage.write(messages, to: &octets, now: now)
        guard let link = cluster?.link(from: source, to: place) else { return }
        cluster?.links[link].append(octets)
    }

    /// Delivers what one shard has sent to one of another node. Returns whether there was anything.
    func stepBetweenNodes() -> Bool {
        guard let cluster else { return false }
        let waiting = cluster.links.indices.filter { !cluster.links[$0].isEmpty && !isCut(cluster.ends(ofLink: $0)) }
        guard let link = waiting.randomElement(using: &random), var octets = self.cluster?.links[link].removeFirst()
        else { return false }
        let (source, destination) = cluster.ends(ofLink: link)
        guard let messages = ShardMessage.read(from: &octets, now: now) else {
            Issue.record("messages of another node cannot be read")
            return true
        }
        shards[destination].shard.receive(messages, from: shards[source].shard.own, now: now)
        endTick(destination)
        return true
    }

    private func isCut(_ ends: (from: Int, to: Int)) -> Bool {
        guard let cluster, !cluster.cuts.isEmpty else { return false }
        return cluster.cuts.contains(.init(from: node(ofSeat: ends.from), to: node(ofSeat: ends.to)))
    }

    // MARK: - Lanes

    /// Each lane without a leader is taken by one of the living nodes.
    func takeLanes() {
        let living = livingNodes
        for lane in 0..<Lane.count {
            let node = living[lane * 7 % 5 % living.count]
            let seat = seats(of: node).lowerBound + lane % (cluster?.shards ?? 1)
            if shards[seat].shard.lanesWithoutLeader & 1 << UInt64(lane) != 0 { take(lane, by: seat) }
        }
    }

    /// A shard writes its term record.
    func take(_ lane: Int, by seat: Int) {
        guard let cluster, !cluster.takes.contains(where: { $0.lane == lane && $0.seat == seat }) else { return }
        // It does not wait any more for what it had under way in an earlier term, which may be stored yet.
        for place in cluster.appends.indices.reversed() {
            let append = cluster.appends[place]
            guard append.lane == lane, append.seat == seat else { continue }
            if !append.isStored, Bool.random(using: &random) { store(append) }
            self.cluster?.appends.remove(at: place)
        }
        shards[seat].shard.lose(lane: lane, now: now)
        shards[seat].shard.clear(lane: lane)
        collect(seat)
        let term = (cluster.lanes[lane].lead?.term ?? 0) + 1
        self.cluster?.lanes[lane].entries.append(.term(term, seat: seat))
        self.cluster?.takes.append(.init(lane: lane, seat: seat, term: term))
    }

    /// Something comes of a batch that is on its way, or of a lane that is being taken; or a batch is sent. Returns whether there was any.
    func appendToLane() -> Bool {
        guard let cluster else { return false }
        var choices: [() -> Void] = []
        if let place = cluster.appends.indices.randomElement(using: &random) {
            choices.append { cluster.appends[place].isStored ? self.endAppend(place) : self.store(place) }
        }
        if let place = cluster.takes.indices.randomElement(using: &random) { choices.append { self.endTake(place) } }
        for node in livingNodes {
            for seat in seats(of: node) where shards[seat].shard.hasRecords {
                let idle = idleLanes(of: seat)
                if shards[seat].shard.hasRecords(ofLanes: idle) { choices.append { self.beginAppends(seat, idle) } }
            }
        }
        guard let choice = choices.randomElement(using: &random) else { return false }
        choice()
        return true
    }

    private func idleLanes(of seat: Int) -> UInt64 {
        (cluster?.appends ?? []).reduce(UInt64.max) { $1.seat == seat ? $0 & ~(1 << UInt64($1.lane)) : $0 }
    }

    private func beginAppends(_ seat: Int, _ idle: UInt64) {
        let batches = shards[seat].shard.takeBatches(.any, of: idle, now: now)
        for lane in Set(batches.map { Int($0.lane.number) }).sorted() {
            let own = batches.filter { Int($0.lane.number) == lane }
            let term = shards[seat].shard.lanes.term(of: own[0].lane)
            cluster?.appends.append(.init(lane: lane, seat: seat, term: term, batches: own))
        }
        endTick(seat)
    }

    /// An append reaches the engine.
    private func store(_ place: Int) {
        guard let append = cluster?.appends[place] else { return }
        if store(append) {
            cluster?.appends[place].isStored = true
        } else {
            cluster?.appends.remove(at: place)
            shards[append.seat].shard.lose(lane: append.lane, now: now)
            endTick(append.seat)
        }
    }

    /// Stores an append, unless it is fenced. Returns whether it is stored.
    @discardableResult
    private func store(_ append: SimulatedCluster.Append) -> Bool {
        guard let lead = cluster?.lanes[append.lane].lead, lead.term == append.term, lead.seat == append.seat else {
            return false
        }
        var octets = ByteBuffer()
        for batch in append.batches { batch.write(to: &octets, now: now) }
        cluster?.lanes[append.lane].entries.append(.batch(octets))
        return true
    }

    /// The shard hears that an append is stored: it may not lead the lane any more.
    private func endAppend(_ place: Int) {
        guard let append = cluster?.appends.remove(at: place) else { return }
        for batch in append.batches { shards[append.seat].shard.committed(batch, now: now) }
        endTick(append.seat)
    }

    private func endTake(_ place: Int) {
        guard let take = cluster?.takes.remove(at: place), let lane = cluster?.lanes[take.lane] else { return }
        guard let lead = lane.lead, lead.term == take.term, lead.seat == take.seat else { return }
        shards[take.seat].shard.clear(lane: take.lane)
        for case .batch(let octets) in lane.entries {
            do {
                try shards[take.seat].shard.restore(octets, ofLane: take.lane, now: now)
            } catch {
                Issue.record("the log of lane \(take.lane) cannot be read: \(error)")
            }
        }
        shards[take.seat].shard.lead([(take.lane, take.term)], now: now)
        endTick(take.seat)
    }

    /// The node that leads the lane of a client's session.
    func leader(ofSessionOf client: String) -> Int? {
        let lane = MQTTBroker.Lane(clientHash: Session.identity(of: UTF8Key(client)))
        return shards[0].shard.lead(ofLane: lane.index)?.node
    }

    /// True if every node knows a leader of every lane.
    var isEachLaneLed: Bool { shards.allSatisfy { $0.shard.lanesWithoutLeader == 0 } }

    /// True if messages wait for lanes to be led.
    var isHolding: Bool { shards.contains { !$0.shard.lanes.limbo.messages.isEmpty } }

    // MARK: - Deaths

    /// The process of a node is killed. Appends that were under way are stored or not, as chance has it.
    func kill(_ node: Int) {
        cluster?.isAlive[node] = false
        let own = seats(of: node)
        for append in cluster?.appends ?? [] where own.contains(append.seat) && !append.isStored {
            if Bool.random(using: &random) { store(append) }
        }
        cluster?.appends.removeAll { own.contains($0.seat) }
        cluster?.takes.removeAll { own.contains($0.seat) }
        for link in cluster?.links.indices ?? 0..<0 {
            guard let ends = cluster?.ends(ofLink: link), let queue = cluster?.links[link], !queue.isEmpty else {
                continue
            }
            if own.contains(ends.to) { cluster?.links[link] = [] }
            // Of what is on its way from the node, a part may come.
            if own.contains(ends.from) {
                cluster?.links[link] = Array(queue.prefix(Int.random(in: 0...queue.count, using: &random)))
            }
        }
        for seat in own {
            mailboxes[seat] = []
            for client in clients.values where client.shard == seat {
                client.isClosed = true
                clients[ObjectIdentifier(client.connection)] = nil
                // What the client sends from now on nobody gets.
                client.connection.state = .closed
                release(client.connection)
            }
        }
        let count = cluster?.shards ?? 0
        let fresh = seats(of: node, count)
        for (seat, shard) in zip(own, fresh) { shards[seat] = shard }
    }

    /// The other nodes learn that a node is dead. What it has sent before has come, or never will.
    func bury(_ node: Int) {
        let own = seats(of: node)
        for link in cluster?.links.indices ?? 0..<0 {
            if let ends = cluster?.ends(ofLink: link), own.contains(ends.from) { cluster?.links[link] = [] }
        }
        for other in livingNodes {
            shards[seats(of: other).lowerBound].shard.died(node: node, now: now)
            collect(seats(of: other).lowerBound)
        }
    }

    /// A node that was buried is started again.
    func restart(_ node: Int) {
        cluster?.isAlive[node] = true
        for other in livingNodes where other != node {
            introduce(node, to: other)
            introduce(other, to: node)
        }
    }
}
