import NIOCore

/// The routes of the topics that were published last. They are of one generation: a change of the subscriptions makes
/// all of them stale.
struct RouteCache {
    private var routes: [ByteBuffer: Route] = [:]
    private var generation: UInt64 = 0
    private var deliveryCount = 0
    private let limits: Limits

    init(limits: Limits) { self.limits = limits }

    func route(_ topic: ByteBuffer, generation: UInt64) -> Route? {
        generation == self.generation ? routes[topic] : nil
    }

    mutating func remember(_ route: Route, for topic: ByteBuffer) {
        guard topic.readableBytes <= limits.maximumCachedTopicLength else { return }
        if route.generation != generation || routes.count >= limits.maximumCachedRoutes
            || deliveryCount >= limits.maximumCachedDeliveries
        {
            routes.removeAll(keepingCapacity: true)
            deliveryCount = 0
            generation = route.generation
        }
        deliveryCount += route.deliveries.count
        // The key is a copy: a slice would pin the buffer that it was read into.
        routes[ByteBuffer(bytes: topic.readableBytesView)] = route
    }
}
