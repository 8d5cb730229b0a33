import NIOCore

/// The routes of the topics that were published last. A route that is stale is computed anew.
struct RouteCache {
    private var routes: [ByteBuffer: Route] = [:]
    private let maximumCount: Int
    private let maximumTopicLength: Int

    init(limits: Limits) {
        maximumCount = limits.maximumCachedRoutes
        maximumTopicLength = limits.maximumCachedTopicLength
    }

    func route(_ topic: ByteBuffer, generation: UInt64) -> Route? {
        guard let route = routes[topic], route.generation == generation else { return nil }
        return route
    }

    mutating func remember(_ route: Route, for topic: ByteBuffer) {
        guard topic.readableBytes <= maximumTopicLength else { return }
        if routes.count >= maximumCount { routes.removeAll(keepingCapacity: true) }
        // The key is a copy: a slice would pin the buffer that it was read into.
        routes[ByteBuffer(bytes: topic.readableBytesView)] = route
    }
}
