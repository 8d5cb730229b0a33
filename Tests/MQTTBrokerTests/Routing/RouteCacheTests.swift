import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite struct RouteCacheTests {
    private func route(generation: UInt64 = 1, deliveries: Int = 0) -> Route {
        let session = Session(clientIdentifier: UTF8Key("s"), identity: 1, number: 1)
        let delivery = Route.Delivery(
            session: session,
            maximumQoS: .atMostOnce,
            noLocal: false,
            retainAsPublished: false,
            identifiers: []
        )
        return Route(generation: generation, deliveries: Array(repeating: delivery, count: deliveries), shards: 0)
    }

    private func topic(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

    @Test("A route is good for its generation") func generation() {
        var cache = RouteCache(limits: SharedLimits(Limits()))
        cache.remember(route(), for: topic("a"))
        #expect(cache.route(topic("a"), generation: 1) != nil)
        #expect(cache.route(topic("a"), generation: 2) == nil)
        cache.remember(route(generation: 2), for: topic("b"))
        #expect(cache.route(topic("a"), generation: 2) == nil)
        #expect(cache.route(topic("b"), generation: 2) != nil)
    }

    @Test("At the bound of routes, or of their deliveries, all are forgotten", arguments: [true, false])
    func bounded(byRoutes: Bool) {
        var limits = Limits()
        if byRoutes { limits.maximumCachedRoutes = 3 } else { limits.maximumCachedDeliveries = 3 }
        var cache = RouteCache(limits: SharedLimits(limits))
        for name in ["a", "b", "c"] { cache.remember(route(deliveries: 1), for: topic(name)) }
        #expect(cache.route(topic("a"), generation: 1) != nil)
        cache.remember(route(deliveries: 1), for: topic("d"))
        #expect(cache.route(topic("a"), generation: 1) == nil)
        #expect(cache.route(topic("d"), generation: 1) != nil)
    }

    @Test("The route of a long topic is not remembered") func longTopic() {
        var limits = Limits()
        limits.maximumCachedTopicLength = 3
        var cache = RouteCache(limits: SharedLimits(limits))
        cache.remember(route(), for: topic("abc"))
        cache.remember(route(), for: topic("abcd"))
        #expect(cache.route(topic("abc"), generation: 1) != nil)
        #expect(cache.route(topic("abcd"), generation: 1) == nil)
    }
}
