import NIOCore

/// Where the messages of a topic go: the subscriptions of a shard's own sessions, and what the other shards have told of
/// theirs.
struct Router: ~Copyable {
    private var tree = TopicTree()
    private var cache: RouteCache
    private let limits: SharedLimits
    /// `nil` if the broker has one shard.
    private var ownInterest: Interest.Own?
    /// The filters of sessions that are logged; `nil` until there is one.
    private var ownDurableInterest: Interest.Own?
    private(set) var othersInterest: Interest.Others?
    /// Filters of sessions in damaged lanes, of the whole node; `nil` if there are none.
    private var quarantined: FilterSet?
    /// Raised with every change of the others' interest.
    private var interestGeneration: UInt64 = 0

    /// - Parameter count: shards of the broker.
    init(count: Int, limits: SharedLimits) {
        self.limits = limits
        cache = RouteCache(limits: limits)
        ownInterest = count > 1 ? Interest.Own() : nil
        othersInterest = count > 1 ? Interest.Others() : nil
    }

    var subscriptionCount: Int { tree.count }

    /// The route of a topic; `nil` if the topic has too many levels.
    mutating func route(_ topic: ByteBuffer) -> Route? {
        let generation = tree.generation &+ interestGeneration
        if let route = cache.route(topic, generation: generation) { return route }
        guard let levels = TopicLevels.split(topic, limit: limits.values.maximumTopicLevels) else { return nil }
        let others = othersInterest?.shards(interestedIn: levels)
        let route = Route(
            generation: generation,
            deliveries: Route.deliveries(of: levels, in: tree),
            shards: others?.all ?? 0,
            durableShards: others?.durable ?? 0
        )
        cache.remember(route, for: topic)
        return route
    }

    /// Adds a subscription, or replaces the session's earlier one to the same filter [MQTT-3.8.4-3]. Returns whether the
    /// subscription is new, and what the other shards are to be told.
    mutating func add(_ subscription: TopicTree.Subscription, at filter: TopicFilter)
        -> (isNew: Bool, changes: Interest.Changes)
    {
        guard tree.insert(subscription, at: filter) else { return (false, .none) }
        guard ownInterest != nil else { return (true, .none) }
        var changes = Interest.Changes(all: ownInterest?.add(filter))
        if subscription.session.lane != nil {
            if ownDurableInterest == nil { ownDurableInterest = Interest.Own() }
            changes.durable = ownDurableInterest?.add(filter)
        }
        return (true, changes)
    }

    /// Removes a session's subscription. Returns what the other shards are to be told.
    mutating func remove(_ session: Session, at filter: TopicFilter) -> Interest.Changes {
        guard tree.remove(session, at: filter) else { return .none }
        var changes = Interest.Changes(all: ownInterest?.remove(filter))
        if session.lane != nil { changes.durable = ownDurableInterest?.remove(filter) }
        return changes
    }

    /// Sessions that cannot be served have these filters.
    mutating func quarantine(_ filters: [TopicFilter]) {
        var set = quarantined ?? FilterSet()
        for filter in filters { set.insert(filter) }
        quarantined = set
    }

    /// True if a session that cannot be served has subscribed to the topic.
    func isQuarantined(_ topic: ByteBuffer) -> Bool {
        guard let quarantined, let levels = TopicLevels.split(topic, limit: limits.values.maximumTopicLevels) else {
            return false
        }
        return quarantined.matches(levels)
    }

    /// Another shard has told a change of its interest.
    mutating func apply(_ change: Interest.Change, of shard: Int) {
        othersInterest?.apply(change, of: shard)
        interestGeneration &+= 1
    }
}
