import NIOCore

/// The routes of recently published topics, all of one generation: a change of subscriptions makes every cached route stale.
struct RouteCache {
    private var routes: [ByteBuffer: Route] = [:]
    private var generation: UInt64 = 0
    private var deliveryCount = 0
    private let limits: SharedLimits

    init(limits: SharedLimits) { self.limits = limits }

    func route(_ topic: ByteBuffer, generation: UInt64) -> Route? {
        generation == self.generation ? routes[topic] : nil
    }

    mutating func remember(_ route: Route, for topic: ByteBuffer) {
        guard topic.readableBytes <= limits.values.maximumCachedTopicLength else { return }
        if route.generation != generation || routes.count >= limits.values.maximumCachedRoutes
            || deliveryCount >= limits.values.maximumCachedDeliveries
        {
            routes.removeAll(keepingCapacity: true)
            deliveryCount = 0
            generation = route.generation
        }
        deliveryCount += route.deliveries.count
        // A copy, since a slice would pin the buffer that the topic was read into.
        routes[ByteBuffer(bytes: topic.readableBytesView)] = route
    }
}
