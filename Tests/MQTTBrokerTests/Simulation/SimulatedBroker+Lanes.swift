import NIOCore
import Testing

@testable import MQTTBroker

// The lanes in the engine: who takes them, what is appended to them, and what is deleted. What comes of an append its writer may not know.
extension SimulatedBroker {
    /// Each lane without a leader is taken by one of the living nodes, and so is one whose newest term nobody leads in.
    func takeLanes() {
        let living = livingNodes
        guard let cluster, !living.isEmpty else { return }
        for lane in 0..<Lane.count where !cluster.isTaking(lane) {
            let seat = seat(of: lane, at: living[lane * 7 % 5 % living.count])
            if shards[seat].shard.lanesWithoutLeader & 1 << UInt64(lane) != 0 || !isLed(lane) { take(lane, by: seat) }
        }
    }

    /// Within a node, a lane is always led by the same shard.
    func seat(of lane: Int, at node: Int) -> Int { seats(of: node).lowerBound + lane % (cluster?.shards ?? 1) }

    /// True if the shard of a lane's newest term leads it.
    private func isLed(_ lane: Int) -> Bool {
        guard let lead = cluster?.lanes[lane].lead else { return false }
        return shards[lead.seat].shard.lanesLedByOwn & 1 << UInt64(lane) != 0
    }

    /// A shard writes its term record, and begins to replay the lane.
    func take(_ lane: Int, by seat: Int) {
        guard let cluster, cluster.hasLinks(node(ofSeat: seat)), !isAsleep(seat),
            !cluster.takes.contains(where: { $0.lane == lane && $0.seat == seat }), !isStalled(lane)
        else { return }
        // If the shard led the lane before, and has not heard that others have.
        change(seat) { $0.lose(lane: lane, now: now) }
        leave(lane, seat)
        shards[seat].shard.clear(lane: lane)
        let term = (self.cluster?.lanes[lane].lead?.term ?? 0) + 1
        let next = self.cluster?.lanes[lane].purged ?? 0
        let end = self.cluster?.lanes[lane].end ?? 0
        self.cluster?.lanes[lane].append(term: term, of: seat)
        self.cluster?.takes.append(.init(lane: lane, seat: seat, term: term, next: next, end: end))
    }

    /// A shard replays what there is of a lane that another one serves, and does not take it yet.
    func readAhead(_ lane: Int, by seat: Int) {
        guard let log = cluster?.lanes[lane] else { return }
        shards[seat].shard.clear(lane: lane)
        let take = SimulatedCluster.Take(lane: lane, seat: seat, term: 0, next: log.purged, end: log.end)
        replay(take, log, log.purged..<log.end)
    }

    func isStalled(_ lane: Int) -> Bool { cluster.map { $0.stalled & 1 << UInt64(lane) != 0 } ?? false }

    // MARK: - Steps

    /// Something comes of a batch that is on its way, or of a lane that is being taken; or a batch is sent. Returns whether there was any.
    func appendToLane() -> Bool {
        guard let cluster else { return false }
        var choices: [() -> Void] = []
        let appends = cluster.appends.indices.filter { place in
            let append = cluster.appends[place]
            return !isStalled(append.lane) && (!isAsleep(append.seat) || !append.isStored && mayStore(append))
        }
        if let place = appends.randomElement(using: &random) { choices.append { self.goOn(withAppend: place) } }
        let takes = cluster.takes.indices.filter {
            !isStalled(cluster.takes[$0].lane) && !isAsleep(cluster.takes[$0].seat)
        }
        if let place = takes.randomElement(using: &random) { choices.append { self.goOn(withTake: place) } }
        for seat in awake where cluster.isAlive[node(ofSeat: seat)] {
            if cluster.cleanings[seat] != nil, isQuiet(seat) { choices.append { self.goOn(withCleaningOf: seat) } }
            guard shards[seat].shard.hasRecords else { continue }
            let idle = idleLanes(of: seat)
            if shards[seat].shard.hasRecords(ofLanes: idle) { choices.append { self.beginAppends(seat, idle) } }
        }
        guard let choice = choices.randomElement(using: &random) else { return false }
        choice()
        return true
    }

    private func mayStore(_ append: SimulatedCluster.Append) -> Bool {
        if clusterFault == .termIgnored { return true }
        guard let lead = cluster?.lanes[append.lane].lead else { return false }
        return lead.term == append.term && lead.seat == append.seat
    }

    private func idleLanes(of seat: Int) -> UInt64 {
        (cluster?.appends ?? []).reduce(UInt64.max) { $1.seat == seat ? $0 & ~(1 << UInt64($1.lane)) : $0 }
    }

    private func beginAppends(_ seat: Int, _ idle: UInt64) {
        let age: LaneBatch.Age = cluster?.cleanings[seat] != nil || Bool.random(using: &random) ? .any : .aged
        let batches = shards[seat].shard.takeBatches(age, of: idle, now: now)
        for lane in Set(batches.map { Int($0.lane.number) }).sorted() {
            let own = batches.filter { Int($0.lane.number) == lane }
            let term = shards[seat].shard.lanes.term(of: own[0].lane)
            cluster?.appends.append(.init(lane: lane, seat: seat, term: term, batches: own))
            if clusterFault == .committedTooEarly {
                for batch in own { shards[seat].shard.committed(batch, now: now) }
            }
        }
        endTick(seat)
    }

    /// A batch is stored, and perhaps its writer hears of it; or its writer hears what came of it.
    private func goOn(withAppend place: Int) {
        guard let append = cluster?.appends[place] else { return }
        if !append.isStored, mayStore(append) {
            store(place)
            if Int.random(in: 0..<3, using: &random) == 0 || isAsleep(append.seat) { return }
        }
        answer(place)
    }

    private func store(_ place: Int) {
        guard let append = cluster?.appends[place] else { return }
        let number = cluster?.lanes[append.lane].end ?? 0
        var octets = ByteBuffer()
        for batch in append.batches { batch.write(to: &octets, now: now) }
        cluster?.lanes[append.lane].append(octets)
        cluster?.appends[place].isStored = true
        if cluster?.cleanings[append.seat]?.first[append.lane] == nil {
            cluster?.cleanings[append.seat]?.first[append.lane] = number
        }
    }

    private func answer(_ place: Int) {
        guard let append = cluster?.appends.remove(at: place) else { return }
        let seat = append.seat
        // Where another one leads by now, a writer that has had no answer finds its record and not its own batch.
        let isTold = append.isStored && (mayStore(append) || Bool.random(using: &random))
        if isTold || clusterFault == .fencedTakenAsStored {
            for batch in append.batches { shards[seat].shard.committed(batch, now: now) }
        } else {
            shards[seat].shard.lose(lane: append.lane, now: now)
        }
        endTick(seat)
    }

    /// A shard replays some of a lane, or all; or it leads the lane from here on, whether or not another one has taken it meanwhile.
    private func goOn(withTake place: Int) {
        guard let take = cluster?.takes[place], let lane = cluster?.lanes[take.lane] else { return }
        if take.next < lane.purged {
            // What was to be replayed was deleted meanwhile.
            cluster?.takes.remove(at: place)
            shards[take.seat].shard.clear(lane: take.lane)
            return
        }
        if take.next < take.end {
            let next = Int.random(in: take.next + 1...take.end, using: &random)
            replay(take, lane, take.next..<next)
            cluster?.takes[place].next = next
            if Bool.random(using: &random) { return }
        }
        lead(take.seat)
    }

    private func replay(_ take: SimulatedCluster.Take, _ lane: SimulatedCluster.Lane, _ numbers: Range<Int>) {
        for number in numbers {
            guard case .batch(let octets) = lane[number] else { continue }
            if clusterFault == .replayCutShort, number == take.end - 1, number % 8 == 0 { continue }
            do {
                try shards[take.seat].shard.restore(octets, ofLane: take.lane, now: now)
            } catch {
                Issue.record("the log of lane \(take.lane) cannot be read: \(error)")
            }
        }
    }

    /// A shard leads all lanes that it has replayed.
    private func lead(_ seat: Int) {
        let replayed = cluster?.takes.filter { $0.seat == seat && $0.next == $0.end } ?? []
        if replayed.isEmpty { return }
        cluster?.takes.removeAll { $0.seat == seat && $0.next == $0.end }
        if clusterFault == .sourcesForgotten {
            for take in replayed {
                if let lane = Lane(number: UInt8(take.lane)) { shards[seat].shard.lanes[lane].sources = [:] }
            }
        }
        shards[seat].shard.lead(replayed.map { ($0.lane, $0.term) }, now: now)
        endTick(seat)
    }

    // MARK: - Giving up

    /// A shard has nothing to do with a lane any more: what was under way is stored or not.
    private func leave(_ lane: Int, _ seat: Int) {
        cluster?.cleanings[seat]?.led &= ~(1 << UInt64(lane))
        guard let place = cluster?.appends.firstIndex(where: { $0.lane == lane && $0.seat == seat }),
            let append = cluster?.appends[place]
        else { return }
        if !append.isStored, mayStore(append), Bool.random(using: &random) { store(place) }
        cluster?.appends.remove(at: place)
    }

    /// The same for all lanes of shards.
    func leaveLanes(_ own: Range<Int>) {
        for append in cluster?.appends ?? [] where own.contains(append.seat) { leave(append.lane, append.seat) }
        for take in cluster?.takes ?? [] where own.contains(take.seat) {
            shards[take.seat].shard.clear(lane: take.lane)
        }
        cluster?.takes.removeAll { own.contains($0.seat) }
        for seat in own where cluster?.cleanings.removeValue(forKey: seat) != nil { shards[seat].shard.cleaning = nil }
    }

    // MARK: - Cleaning

    /// A shard begins to write again what is alive in its lanes.
    func cleanLanes(of seat: Int) {
        guard let cluster, cluster.cleanings[seat] == nil, isQuiet(seat), !isAsleep(seat) else { return }
        shards[seat].shard.beginCleaning()
        self.cluster?.cleanings[seat] = .init(led: shards[seat].shard.lanesLedByOwn)
    }

    /// True if nothing that a shard has written is on its way.
    private func isQuiet(_ seat: Int) -> Bool { cluster?.appends.contains { $0.seat == seat } == false }

    private func goOn(withCleaningOf seat: Int) {
        guard let cleaning = cluster?.cleanings[seat] else { return }
        if shards[seat].shard.isCleaning {
            _ = shards[seat].shard.clean(octets: 300, now: now)
        } else if !shards[seat].shard.hasRecords {
            let led = cleaning.led & shards[seat].shard.lanesLedByOwn
            for (lane, first) in cleaning.first where led & 1 << UInt64(lane) != 0 {
                cluster?.lanes[lane].purge(before: first)
            }
            cluster?.cleanings[seat] = nil
        }
        endTick(seat)
    }
}
