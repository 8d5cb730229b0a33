import MQTTCodec
import Testing

@testable import MQTTBroker

/// The tree against the naive matcher, over random subscriptions of a few sessions that overlap.
@Suite struct TopicTreeTests {
    /// What a tree is to hold, as a list that is looked through.
    private struct Subscribed: Hashable {
        let session: UInt64
        let filter: TopicFilter
        let qos: UInt8
        let noLocal: Bool
        let retainAsPublished: Bool
        let retainHandling: UInt8
        let identifier: UInt32

        init(_ subscription: TopicTree.Subscription, _ filter: TopicFilter) {
            session = subscription.session.number
            self.filter = filter
            qos = subscription.options.maximumQoS.rawValue
            noLocal = subscription.options.noLocal
            retainAsPublished = subscription.options.retainAsPublished
            retainHandling = subscription.options.retainHandling.rawValue
            identifier = subscription.identifier
        }
    }

    /// A tree, the list that it is compared with, and those who subscribe.
    private struct Scene {
        var topics: RandomTopics
        var tree = TopicTree()
        /// A subscription identifier is given out once, and so says which subscription a match is of.
        var model: [(subscription: TopicTree.Subscription, filter: TopicFilter)] = []
        private var lastIdentifier: UInt32 = 0
        private let sessions = (1...5).map {
            Session(clientIdentifier: UTF8Key("client \($0)"), identity: $0, number: $0)
        }

        init(seed: UInt64) { topics = RandomTopics(seed: seed) }

        /// Every fourth one takes the place of another [MQTT-3.8.4-3].
        mutating func subscribe() throws {
            let earlier = topics.chance(oneIn: 4) ? model.randomElement(using: &topics.random) : nil
            let session = earlier?.subscription.session ?? sessions[topics.number(below: sessions.count)]
            let filter = try earlier?.filter ?? topics.filter()
            lastIdentifier += 1
            let subscription = TopicTree.Subscription(
                session: session,
                options: topics.options(),
                identifier: lastIdentifier
            )
            let place = place(of: session, filter)
            let generation = tree.generation
            let isNew = tree.insert(subscription, at: filter)
            #expect(isNew == (place == nil))
            #expect(tree.generation != generation)
            if let place { model[place].subscription = subscription } else { model.append((subscription, filter)) }
        }

        /// Every fourth one is a subscription that there is not, such as another session's.
        mutating func unsubscribe() throws {
            guard let some = model.randomElement(using: &topics.random) else { return }
            let isGuess = topics.chance(oneIn: 4)
            let session = isGuess ? sessions[topics.number(below: sessions.count)] : some.subscription.session
            let filter = try isGuess && topics.chance(oneIn: 2) ? topics.filter() : some.filter
            let place = place(of: session, filter)
            let isRemoved = tree.remove(session, at: filter)
            #expect(isRemoved == (place != nil))
            if let place { model.remove(at: place) }
        }

        mutating func unsubscribeAll() {
            for (subscription, filter) in model.shuffled(using: &topics.random) {
                let isRemoved = tree.remove(subscription.session, at: filter)
                #expect(isRemoved)
            }
            model = []
        }

        /// Every other one matches some subscription.
        mutating func topic() -> String {
            guard topics.chance(oneIn: 2), let some = model.randomElement(using: &topics.random) else {
                return topics.topic()
            }
            return topics.topic(for: some.filter)
        }

        private func place(of session: Session, _ filter: TopicFilter) -> Int? {
            model.firstIndex { $0.subscription.session === session && $0.filter == filter }
        }

        func expected(_ topic: String) -> [(subscription: TopicTree.Subscription, filter: TopicFilter)] {
            model.filter { NaiveMatcher.matches($0.filter, topic) }
        }

        /// Each subscription that matches, once, as it was made last.
        func expectMatches(_ topic: String) throws {
            let filters = Dictionary(uniqueKeysWithValues: model.map { ($0.subscription.identifier, $0.filter) })
            var found: [Subscribed] = []
            tree.forEachMatch(try topic.topicLevels) { subscription in
                guard let filter = filters[subscription.identifier] else {
                    Issue.record("\(topic) goes to a subscription that was replaced or removed")
                    return
                }
                found.append(Subscribed(subscription, filter))
            }
            #expect(Set(found).count == found.count, "\(topic) is found twice")
            #expect(Set(found) == Set(expected(topic).map { Subscribed($0.subscription, $0.filter) }), "\(topic)")
        }
    }

    @Test("Each subscription that matches is found, once, with its options", arguments: 0..<60 as Range<UInt64>)
    func matches(seed: UInt64) throws {
        var scene = Scene(seed: seed)
        for _ in 0..<200 {
            if scene.topics.chance(oneIn: 3) { try scene.unsubscribe() } else { try scene.subscribe() }
            #expect(scene.tree.count == scene.model.count)
            for _ in 0..<3 { try scene.expectMatches(scene.topic()) }
        }
        scene.unsubscribeAll()
        #expect(scene.tree.count == 0)
        for _ in 0..<50 { try scene.expectMatches(scene.topic()) }
    }

    @Test("A session's overlapping subscriptions are one delivery", arguments: 0..<60 as Range<UInt64>)
    func deliveries(seed: UInt64) throws {  // [MQTT-3.3.5-1], [MQTT-3.3.4-2], [MQTT-3.3.4-3]
        var scene = Scene(seed: seed)
        for _ in 0..<100 { try scene.subscribe() }
        for _ in 0..<100 {
            let topic = scene.topic()
            let deliveries = Route.deliveries(of: try topic.topicLevels, in: scene.tree)
            var expected = scene.expected(topic).map(\.subscription)
            for delivery in deliveries {
                // What is not silent towards its own publisher goes apart [MQTT-3.8.3-3].
                let summed = expected.filter {
                    $0.session === delivery.session && $0.options.noLocal == delivery.noLocal
                }
                expected.removeAll { $0.session === delivery.session && $0.options.noLocal == delivery.noLocal }
                #expect(delivery.maximumQoS == summed.map(\.options.maximumQoS).max(), "\(topic)")
                #expect(delivery.retainAsPublished == summed.contains { $0.options.retainAsPublished }, "\(topic)")
                #expect(delivery.identifiers.sorted() == summed.map(\.identifier).sorted(), "\(topic)")
            }
            #expect(expected.isEmpty, "\(topic) is not delivered to all")
        }
    }
}
