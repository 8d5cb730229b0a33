import BrokerCluster
import Logging
import MQTTBroker
import NIOCore

// How full the streams of JetStream are.
extension NodeCluster {
    /// Asks JetStream now and then how full the streams are.
    func watchSpace() {
        guard let part = parts.first?.value else { return }
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        spaceWatch = SpaceWatch(part.lanes) { _ in loopBound.value.tellSpace() }
        spaceWatch?.start()
    }

    /// A lane of this node is doing well, or not.
    func heard(of lane: Int, _ health: LaneHealth) {
        if case .full(let reason) = health {
            guard fullLanes.insert(lane).inserted else { return }
            logger.error("JetStream has no space for a lane", metadata: ["lane": "\(lane)", "reason": "\(reason)"])
        } else {
            guard fullLanes.remove(lane) != nil else { return }
        }
        tellSpace()
    }

    /// Tells the shards how full the streams are, and that nothing new is to be kept while that is too full.
    private func tellSpace() {
        guard let shards, let space = spaceWatch?.space else { return }
        let suspension: Suspension? = !fullLanes.isEmpty ? .disk : space.isFull ? .space : nil
        if suspension != self.suspension {
            self.suspension = suspension
            switch suspension {
            case nil: logger.notice("JetStream has space again")
            case .space:
                logger.error(
                    "a stream of JetStream is full but for what is reserved: new messages for durable sessions are refused"
                )
            case .disk: logger.error("JetStream stores nothing: messages for durable sessions are refused")
            }
        }
        for shard in 0..<shards.count { shards.with(shard) { $0.learned(space, suspension) } }
    }
}
