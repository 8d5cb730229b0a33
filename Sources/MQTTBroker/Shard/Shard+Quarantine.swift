import MQTTCodec
import NIOCore

// Quarantine: the log of a lane is damaged. The lane's sessions and retained messages are not served, and nothing of it is written or
// deleted, so that salvage finds all that is left. The other lanes are served.
extension Shard {
    /// Lanes that this shard leads and that are in quarantine.
    package var quarantinedLanes: Int { lanes.quarantined.count { lanes.leader(of: $0) == own } }

    /// True if a lane of the node is in quarantine: then nothing of the log is deleted.
    package var keepsWholeLog: Bool { !lanes.quarantined.isEmpty }

    /// Lanes of some shard are damaged.
    ///
    /// - Parameter filters: those that their sessions are known to have.
    mutating func quarantine(_ damaged: Set<Lane>, _ filters: [TopicFilter]) {
        lanes.quarantined.formUnion(damaged)
        router.quarantine(filters)
    }

    /// True if a damaged lane would have to keep a message.
    func isQuarantined(_ publish: Publish) -> Bool {
        guard !lanes.quarantined.isEmpty else { return false }
        return router.isQuarantined(publish.topic)
            || publish.retain && lanes.quarantined.contains(Lane(ofTopic: publish.topic))
    }
}
