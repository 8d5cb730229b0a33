import MQTTCodec

/// The subscriptions of a shard's sessions, by the levels of their filters.
struct TopicTree {
    /// Raised by every change. A route of another generation is stale.
    private(set) var generation: UInt64 = 0
    private(set) var count = 0
    private let root = Node()

    /// The subscription of a session to a filter.
    struct Subscription {
        let session: Session
        var options: SubscriptionOptions
        /// The Subscription Identifier; 0 for none.
        var identifier: UInt32
    }

    /// A level of the filters, with the subscriptions whose filters end there.
    private final class Node {
        // Most nodes have one child or one subscription.
        var children = ShortDictionary<UTF8Key, Node>()
        var single: Node?
        /// The subscriptions to the filter that ends here, and to that filter with `/#` behind it, by session number.
        var subscriptions = ShortDictionary<UInt64, Subscription>()
        var multi: [UInt64: Subscription] = [:]

        var isEmpty: Bool { children.isEmpty && single == nil && subscriptions.isEmpty && multi.isEmpty }
    }

    /// Adds a subscription, or replaces the session's earlier one. Returns whether the subscription is new.
    @discardableResult
    mutating func insert(_ subscription: Subscription, at filter: TopicFilter) -> Bool {
        generation &+= 1
        let levels = filter.levels
        var node = root
        for level in levels {
            if level == TopicFilter.multiLevel { break }
            if level == TopicFilter.singleLevel {
                if let next = node.single {
                    node = next
                } else {
                    let next = Node()
                    node.single = next
                    node = next
                }
            } else if let next = node.children[level] {
                node = next
            } else {
                let next = Node()
                node.children[level] = next
                node = next
            }
        }
        let previous =
            levels.last == TopicFilter.multiLevel
            ? node.multi.updateValue(subscription, forKey: subscription.session.number)
            : node.subscriptions.updateValue(subscription, forKey: subscription.session.number)
        if previous == nil { count += 1 }
        return previous == nil
    }

    /// Removes a subscription, and the nodes that are empty then. Returns whether there was a subscription.
    @discardableResult
    mutating func remove(_ session: Session, at filter: TopicFilter) -> Bool {
        generation &+= 1
        var path: [(node: Node, level: UTF8Key)] = []
        let levels = filter.levels
        var node = root
        for level in levels {
            if level == TopicFilter.multiLevel { break }
            guard let next = level == TopicFilter.singleLevel ? node.single : node.children[level] else { return false }
            path.append((node, level))
            node = next
        }
        let removed =
            levels.last == TopicFilter.multiLevel
            ? node.multi.removeValue(forKey: session.number)
            : node.subscriptions.removeValue(forKey: session.number)
        while node.isEmpty, let (parent, level) = path.popLast() {
            if level == TopicFilter.singleLevel { parent.single = nil } else { parent.children[level] = nil }
            node = parent
        }
        if removed != nil { count -= 1 }
        return removed != nil
    }

    /// Calls `body` with every subscription whose filter matches.
    func forEachMatch(_ levels: [UTF8Key], _ body: (Subscription) -> Void) {
        match(root, levels, 0, TopicLevels.isReserved(levels), body)
    }

    // The recursion is as deep as the topic has levels (`Limits.maximumTopicLevels`).
    private func match(
        _ node: Node,
        _ levels: [UTF8Key],
        _ depth: Int,
        _ isReserved: Bool,
        _ body: (Subscription) -> Void
    ) {
        let wildcardsMatch = !(isReserved && depth == 0)
        // `a/#` matches `a` too (MQTT 5.0 §4.7.1.2).
        if wildcardsMatch { for subscription in node.multi.values { body(subscription) } }
        if depth == levels.count {
            for (_, subscription) in node.subscriptions { body(subscription) }
            return
        }
        if let next = node.children[levels[depth]] { match(next, levels, depth + 1, isReserved, body) }
        if wildcardsMatch, let next = node.single { match(next, levels, depth + 1, isReserved, body) }
    }
}
