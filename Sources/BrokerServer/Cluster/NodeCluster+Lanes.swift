import BrokerCluster
import Logging
import MQTTBroker
import NIOCore

// Which lanes this node leads.
extension NodeCluster {
    /// How long a node that has just become a member waits for others that start with it, before it takes lanes.
    static let settling = TimeAmount.seconds(1)
    /// Lanes that are taken at a time from nodes that serve them.
    static let movesAtOnce = 4
    /// How long nothing has to be heard of nodes that come, go or are silent before lanes are taken from nodes that serve them.
    static let calm = TimeAmount.seconds(3)
    /// How long a lane is left alone that could not be taken.
    static let pause = TimeAmount.milliseconds(300)

    /// The other nodes that lanes are led by, or are to be.
    var successors: [Int] { members.keys.filter { !suspected.contains($0) && !retiring.contains($0) } }

    /// Takes the lanes that this node is to lead: at once those that no node leads which is heard of, and then, few at a time, those of nodes that
    /// are about to leave, and those that others have led since before this node was there. Their clients notice nothing.
    func takeLanes() {
        guard let own, let shards, !isRetiring, NIODeadline.now() >= admitted + Self.settling else { return }
        let living = successors + [own.node]
        let wanted = (0..<Lane.count).filter { Rendezvous.node(for: $0, among: living) == own.node }
        let (suspected, retiring) = (suspected, retiring)
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        shards.with(0) { runner in
            // The first event loop is that of the first shard.
            guard runner.shard.knowsNeighbours else { return }
            var free: [Int] = []
            var left: [Int] = []
            var served: [Int] = []
            for lane in wanted {
                guard let leader = runner.shard.lead(ofLane: lane) else {
                    free.append(lane)
                    continue
                }
                if leader.node == own.node { continue }
                if suspected.contains(leader.node) {
                    free.append(lane)
                } else if retiring.contains(leader.node) {
                    left.append(lane)
                } else {
                    served.append(lane)
                }
            }
            loopBound.value.take(free, left: left, served)
        }
    }

    /// - Parameters:
    ///   - free: lanes that this node is to lead and that no node leads.
    ///   - left: those that a node leads which is about to leave.
    ///   - served: those that another one leads.
    private func take(_ free: [Int], left: [Int], _ served: [Int]) {
        taking.formIntersection(free + left + served)
        for lane in free { take(lane, isServed: false) }
        if !free.isEmpty { return }
        for lane in left where taking.count < Self.movesAtOnce { take(lane, isServed: true) }
        if !left.isEmpty || .now() < changed + Self.calm { return }
        for lane in served where taking.count < Self.movesAtOnce { take(lane, isServed: true) }
    }

    private func take(_ lane: Int, isServed: Bool) {
        let now = NIODeadline.now()
        guard !taking.contains(lane), waiting[lane] ?? now <= now else { return }
        taking.insert(lane)
        shards?.with(lane % parts.count) { $0.take(lane, isServed: isServed) }
    }

    /// A lane could not be taken, or is not led any more.
    func freed(_ lane: Int, _ failure: LaneFailure) {
        taking.remove(lane)
        waiting[lane] = .now() + Self.pause
        var level = Logger.Level.warning
        if case .fenced = failure { level = .info }
        logger.log(level: level, "a lane is not led", metadata: ["lane": "\(lane)", "reason": "\(failure)"])
    }
}
