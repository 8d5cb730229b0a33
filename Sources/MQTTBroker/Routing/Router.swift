import NIOCore

/// Where the messages of a topic go: the subscriptions of a shard's own sessions, and what the other shards have told of
/// theirs.
struct Router: ~Copyable {
    private var tree = TopicTree()
    private var cache: RouteCache
    private var limits: SharedLimits
    /// `nil` if the broker has one shard.
    private var ownInterest: Interest.Own?
    /// The filters of sessions that are logged; `nil` until there is one.
    private var ownDurableInterest: Interest.Own?
    private(set) var othersInterest: Interest.Others?
    /// The interest of the other nodes, a bit for each; `nil` without a cluster.
    private var nodesInterest: Interest.Others?
    /// What the other nodes know of this node's interest; `nil` unless the shard tells them.
    private(set) var told: Interest.Told?
    /// Filters of sessions in damaged lanes, of the whole node; `nil` if there are none.
    private var quarantined: FilterSet?
    /// Raised with every change of the others' interest.
    private var interestGeneration: UInt64 = 0

    /// - Parameters:
    ///   - count: shards of the node.
    ///   - isClustered: true if there may be other nodes.
    ///   - speaks: true if the shard tells other nodes the interest of all shards of the node.
    init(count: Int, isClustered: Bool = false, speaks: Bool = false, limits: SharedLimits) {
        self.limits = limits
        cache = RouteCache(limits: limits)
        ownInterest = count > 1 || isClustered ? Interest.Own() : nil
        othersInterest = count > 1 ? Interest.Others() : nil
        nodesInterest = isClustered ? Interest.Others() : nil
        told = speaks ? Interest.Told() : nil
    }

    /// Other limits are in force from here on.
    mutating func use(_ limits: SharedLimits) {
        self.limits = limits
        // A route may be that of a topic that has too many levels now.
        cache = RouteCache(limits: limits)
    }

    var subscriptionCount: Int { tree.count }

    /// The route of a topic; `nil` if the topic has too many levels.
    mutating func route(_ topic: ByteBuffer) -> Route? {
        let generation = tree.generation &+ interestGeneration
        if let route = cache.route(topic, generation: generation) { return route }
        guard let levels = TopicLevels.split(topic, limit: limits.values.maximumTopicLevels) else { return nil }
        let others = othersInterest?.shards(interestedIn: levels)
        let nodes = nodesInterest?.shards(interestedIn: levels)
        let route = Route(
            generation: generation,
            deliveries: Route.deliveries(of: levels, in: tree),
            shards: others?.all ?? 0,
            durableShards: others?.durable ?? 0,
            nodes: nodes?.all ?? 0,
            durableNodes: nodes?.durable ?? 0
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

    /// Another shard of the node has told a change of its interest.
    mutating func apply(_ change: Interest.Change, of shard: Int) {
        othersInterest?.apply(change, of: shard)
        interestGeneration &+= 1
    }

    // MARK: - Other nodes

    /// What the other nodes are to be told after a change of a shard's interest; `nil` if nothing.
    mutating func changeOfNode(after change: Interest.Change) -> Interest.Change? {
        guard told != nil else { return nil }
        let bucket = change.bucket
        let own = change.isDurable ? ownDurableInterest : ownInterest
        let isInterested =
            own?.contains(bucket) == true
            || othersInterest?.contains(bucket, isDurable: change.isDurable) == true
        let hasChanged =
            change.isDurable
            ? told?.durable.set(bucket, isInterested) == true : told?.all.set(bucket, isInterested) == true
        return hasChanged ? .init(bucket: bucket, isInterested: isInterested, isDurable: change.isDurable) : nil
    }

    /// Another node has told a change of its interest.
    mutating func apply(_ change: Interest.Change, ofNode node: UInt8) {
        nodesInterest?.apply(change, of: Int(node))
        interestGeneration &+= 1
    }

    /// Another node has told all of its interest; none, once its run is over.
    mutating func replace(_ interest: Interest.Told, ofNode node: UInt8) {
        nodesInterest?.replace(interest, of: Int(node))
        interestGeneration &+= 1
    }

    /// The buckets of the sessions of another node that are logged.
    func durableBuckets(ofNode node: UInt8) -> Interest.Buckets {
        nodesInterest?.durableBuckets(of: Int(node)) ?? Interest.Buckets()
    }
}
