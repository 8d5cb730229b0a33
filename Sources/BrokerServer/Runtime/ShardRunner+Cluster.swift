import BrokerCluster
import Logging
import MQTTBroker
import NIOCore

// A shard in a cluster: what it hears from the shards of other nodes, and the logs of the lanes that it leads.
extension ShardRunner {
    /// The shard has links and lanes from here on.
    func join(_ cluster: ShardCluster) {
        self.cluster = cluster
        cluster.links.onMessage = { [weak self] octets, node, shard in
            self?.receive(octets, from: ShardReference(node: node, shard: shard))
        }
        cluster.links.onBurst = { [weak self] in self?.scheduleFlush() }
        cluster.links.onRoom = { [weak self] node, _ in self?.change { $0.setFull(false, node: node) } }
        cluster.links.onReset = { [weak self, weak cluster] node, _, _ in
            // At once, since what is sent from here on comes.
            self?.change { $0.lostLink(toNode: node, now: .now()) }
            cluster?.onReset(node)
        }
    }

    /// Changes the shard, and carries out what follows.
    func change(_ body: (inout Shard) -> Void) {
        body(&shard)
        scheduleFlush()
    }

    // MARK: - Links

    private func receive(_ octets: ByteBuffer, from source: ShardReference) {
        var octets = octets
        let now = Instant.now()
        guard let messages = ShardMessage.read(from: &octets, now: now) else {
            logger?.error(
                "cluster",
                metadata: ["detail": "node \(source.node) has sent what cannot be read: its version may be newer"]
            )
            return
        }
        shard.receive(messages, from: source, now: now)
    }

    /// Sends messages to a shard of another node.
    func send(_ messages: [ShardMessage], to destination: ShardReference) {
        guard let cluster else { return }
        var octets = ByteBuffer()
        ShardMessage.write(messages, to: &octets, now: .now())
        if octets.readableBytes == 0 { return }
        let hasRoom = cluster.links.send(octets, to: Int(destination.node), shard: destination.index)
        if !hasRoom, cluster.links.member(Int(destination.node)) != nil {
            shard.setFull(true, node: Int(destination.node))
        }
    }

    /// What was sent to the shards of other nodes leaves.
    func flushLinks() { cluster?.links.flush() }

    // MARK: - Lanes

    /// Takes the lead of a lane: replays its log, and serves it then.
    ///
    /// - Parameter isServed: true if a shard of another node serves it until then.
    func take(_ lane: Int, isServed: Bool) {
        guard let cluster, !cluster.lanes.isTaking(lane), !cluster.replayed.contains(where: { $0.lane == lane }) else {
            return
        }
        // If this shard led the lane before: it may have given it up when it heard of another leader, or not have heard of that one yet.
        change { $0.lose(lane: lane, now: .now()) }
        cluster.lanes.release(lane)
        cluster.appends.left(lane)
        shard.clear(lane: lane)
        var assembly = LanePiece.Assembly()
        var damage: String?
        var (commits, count) = (0, 0)
        let taken = cluster.lanes.take(lane, isServed: isServed) { octets in
            count += octets.readableBytes
            do {
                guard damage == nil, let commit = try assembly.add(octets) else { return }
                try self.shard.restore(commit, ofLane: lane, now: .now())
                commits += 1
            } catch {
                damage = "\(error)"
            }
        }
        taken.assumeIsolated().whenSuccess { result in
            switch result {
            case .success(let term) where damage == nil:
                if cluster.replayed.isEmpty {
                    self.eventLoop.assumeIsolated().execute { self.lead() }
                }
                cluster.replayed.append((lane, term.number))
                cluster.appends.replayed(octets: count)
                self.logger?.info(
                    "cluster",
                    metadata: [
                        "lane": "\(lane)", "state": "taken", "term": "\(term.number)", "commits": "\(commits)",
                    ]
                )
            case .success:
                self.logger?.error(
                    "cluster",
                    metadata: ["lane": "\(lane)", "state": "damaged", "detail": "\(damage ?? "")"]
                )
                cluster.lanes.release(lane)
                self.shard.clear(lane: lane)
                cluster.onFree(lane, .damaged(damage ?? ""))
            case .failure(let failure):
                self.shard.clear(lane: lane)
                cluster.onFree(lane, failure)
            }
        }
    }

    private func lead() {
        guard let cluster else { return }
        // This node's run may be over since the replay.
        let terms = cluster.replayed.filter { cluster.lanes.isLeading($0.lane, in: $0.term) }
        for (lane, term) in cluster.replayed where !cluster.lanes.isLeading(lane, in: term) {
            shard.clear(lane: lane)
            cluster.onFree(lane, .released)
        }
        cluster.replayed = []
        var superseded: [Int] = []
        change { superseded = $0.lead(terms, now: .now()) }
        for lane in superseded {
            cluster.lanes.release(lane)
            let leader = shard.lead(ofLane: lane).flatMap { cluster.links.member($0.node) }
            cluster.onFree(lane, leader.map { .fenced(by: LaneLeader(node: $0.node, run: $0.run)) } ?? .notLed)
        }
        cluster.onLead()
    }

    /// Gives all lanes up, since this node's run is over.
    func loseAllLanes() {
        for lane in 0..<Lane.count { shard.lose(lane: lane, now: .now()) }
        shard.isolate(now: .now())
        scheduleFlush()
    }

    /// Releases lanes that the shard has given up since another node has said that it leads them.
    func releaseGivenUp() {
        guard let cluster else { return }
        let led = shard.lanesLedByOwn
        let lost = cluster.led & ~led
        cluster.led = led
        if lost == 0 { return }
        for lane in 0..<Lane.count where lost >> UInt64(lane) & 1 == 1 && !cluster.lanes.isTaking(lane) {
            cluster.lanes.release(lane)
            cluster.appends.left(lane)
        }
    }

    /// True if records of lanes are to be appended.
    var wantsAppend: Bool {
        guard let appends = cluster?.appends else { return false }
        if appends.wantsCleaning || appends.mayClean { return true }
        guard shard.hasRecords(ofLanes: appends.idle) else { return false }
        return shard.isCommitUrgent || appends.isCleaning || !appends.isDelayed
    }

    func appendOrDelay() {
        guard let appends = cluster?.appends else { return }
        if shard.isCommitUrgent || appends.wantsCleaning || appends.isCleaning {
            append()
        } else {
            appends.isDelayed = true
            eventLoop.assumeIsolated().scheduleTask(in: LaneAppends.delay) {
                appends.isDelayed = false
                self.append()
            }
        }
    }

    private func append() {
        guard let appends = cluster?.appends else { return }
        let now = Instant.now()
        if appends.wantsCleaning, hasRoomToClean(appends, now.monotonic) {
            appends.beginCleaning(led: shard.lanesLedByOwn)
            shard.beginCleaning()
        }
        if appends.mayClean {
            let written = shard.clean(octets: LaneAppends.cleaningOctets, now: now)
            appends.wroteAgain(written, to: shard.lanesWithRecords)
        }
        let age: LaneBatch.Age = shard.isCommitUrgent || appends.isCleaning ? .any : .aged
        let batches = shard.takeBatches(age, of: appends.idle, now: now)
        appends.begin(batches, now: now) { lane, batches, failure in self.appended(lane, batches, failure) }
        appends.finishCleaning(led: shard.lanesLedByOwn)
        scheduleFlush()
    }

    private func hasRoomToClean(_ appends: LaneAppends, _ now: NIODeadline) -> Bool {
        let led = shard.lanesLedByOwn
        return appends.hasAmpleRoom(led: led)
            || appends.measure(aliveOctets: shard.aliveOctetsByLane, led: led, now)
    }

    /// JetStream has said how full it is.
    ///
    /// - Parameter suspension: why nothing new may be kept; `nil` if it may.
    func learned(_ space: StreamSpace, _ suspension: Suspension?) {
        guard let appends = cluster?.appends else { return }
        let hasChanged = appends.suspension != suspension
        appends.learned(free: space.free, suspension, .now())
        if hasChanged { shard.suspended(suspension, now: .now()) }
        scheduleFlush()
    }

    private func appended(_ lane: Int, _ batches: [LaneBatch], _ failure: LaneFailure?) {
        if let failure {
            shard.lose(lane: lane, now: .now())
            // A lane that this node has released it is taking, or its run is over.
            if failure != .released { cluster?.onFree(lane, failure) }
        } else {
            for batch in batches { shard.committed(batch, now: .now()) }
            cluster?.appends.finishCleaning(led: shard.lanesLedByOwn)
        }
        scheduleFlush()
    }
}
