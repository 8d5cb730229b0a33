import MQTTCodec

/// The route of a topic: the sessions of this shard and the other shards that its messages go to. A route is valid for one
/// generation of the topic tree and of the other shards' interest.
final class Route {
    let generation: UInt64
    let deliveries: [Delivery]
    /// One bit per other shard of the node that may have subscribers.
    let shards: UInt32
    /// One bit per shard that may have subscribers whose sessions are logged.
    let durableShards: UInt32
    /// One bit per other node that may have subscribers.
    let nodes: UInt32
    /// One bit per other node that may have subscribers whose sessions are logged.
    let durableNodes: UInt32
    /// True if a session of this shard is logged.
    let hasLoggedDeliveries: Bool

    /// A session with all its subscriptions that match: it gets one copy, at the highest QoS of the subscriptions and with all
    /// their identifiers [MQTT-3.3.5-1], [MQTT-3.3.4-3].
    struct Delivery {
        let session: Session
        var maximumQoS: QualityOfService
        var noLocal: Bool
        var retainAsPublished: Bool
        var identifiers: [UInt32]
    }

    init(
        generation: UInt64,
        deliveries: [Delivery],
        shards: UInt32,
        durableShards: UInt32 = 0,
        nodes: UInt32 = 0,
        durableNodes: UInt32 = 0
    ) {
        self.generation = generation
        self.deliveries = deliveries
        self.shards = shards
        self.durableShards = durableShards
        self.nodes = nodes
        self.durableNodes = durableNodes
        hasLoggedDeliveries = deliveries.contains { $0.session.lane != nil }
    }

    /// True if messages of the topic may be kept for sessions that are logged.
    var isDurable: Bool { hasLoggedDeliveries || durableShards != 0 || durableNodes != 0 }

    var isEmpty: Bool { deliveries.isEmpty && shards == 0 && nodes == 0 }

    /// Subscriptions with and without No Local are deliveries of their own, since those with No Local are not for their own
    /// publisher.
    static func deliveries(of levels: [UTF8Key], in tree: TopicTree) -> [Delivery] {
        var deliveries: [Delivery] = []
        var places: [UInt64: Int] = [:]
        tree.forEachMatch(levels) { subscription in
            let place = subscription.session.number << 1 | (subscription.options.noLocal ? 1 : 0)
            if let index = places[place] {
                deliveries[index].maximumQoS = max(deliveries[index].maximumQoS, subscription.options.maximumQoS)
                deliveries[index].retainAsPublished =
                    deliveries[index].retainAsPublished || subscription.options.retainAsPublished
                if subscription.identifier != 0 { deliveries[index].identifiers.append(subscription.identifier) }
            } else {
                places[place] = deliveries.count
                deliveries.append(
                    Delivery(
                        session: subscription.session,
                        maximumQoS: subscription.options.maximumQoS,
                        noLocal: subscription.options.noLocal,
                        retainAsPublished: subscription.options.retainAsPublished,
                        identifiers: subscription.identifier == 0 ? [] : [subscription.identifier]
                    )
                )
            }
        }
        return deliveries
    }
}
