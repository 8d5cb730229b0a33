import NATSClient

/// Nanoseconds after which a copy that the leader does not hear of counts as behind. NATS itself says so later. Copies are heard of every second.
private let silence: UInt64 = 4_000_000_000

extension StreamStatus {
    /// What JetStream's answer comes to.
    init(_ info: StreamInfo) {
        let others = info.cluster?.replicas ?? []
        let behind = others.filter { !$0.current || $0.offline == true || $0.active ?? 0 > silence }.map(\.name)
            .sorted()
        // A server that is not in a cluster of NATS leads all that it has.
        let hasLeader = info.cluster.map { $0.leader != nil } ?? true
        self.init(
            name: info.config.name,
            leader: info.cluster?.leader,
            replicas: info.config.replicas,
            currentReplicas: (hasLeader ? 1 : 0) + others.count - behind.count,
            behind: behind,
            messages: info.state.messages,
            octets: info.state.bytes,
            maximumOctets: info.config.maximumBytes > 0 ? info.config.maximumBytes : nil
        )
    }
}
