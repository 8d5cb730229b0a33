import MQTTCodec

/// A `SubscriptionSearch` that is under way. It visits the sessions in the order of their places, and counts all that fits.
struct SubscriptionWalk {
    private let search: SubscriptionSearch
    private let client: UTF8Key?
    private let filter: UTF8Key?
    private let pattern: [UTF8Key]?
    private var place = 0
    private var found = SubscriptionSearch.Found()

    init(_ search: SubscriptionSearch) {
        self.search = search
        client = search.client.map { UTF8Key($0) }
        filter = search.filter.map { UTF8Key($0) }
        pattern = search.pattern.map { pattern in
            pattern.utf8.split(separator: TopicFilter.separator, omittingEmptySubsequences: false)
                .map { UTF8Key(String(Substring($0))) }
        }
    }

    /// Goes on for at most `steps`, each of which visits a place or a subscription, and takes those used from `steps`. A session is visited whole, so that
    /// they may be exceeded by as many as a session has subscriptions.
    ///
    /// - Returns: what was found, once the search has come to its end.
    mutating func advance(by steps: inout Int, in shard: borrowing Shard) -> SubscriptionSearch.Found? {
        if let client {
            if let session = shard.sessions[client] { visit(session, &steps) }
            return found
        }
        while steps > 0 {
            guard place < shard.sessions.placeCount else { return found }
            steps -= 1
            if let session = shard.sessions.session(at: place) { visit(session, &steps) }
            place += 1
        }
        return nil
    }

    private mutating func visit(_ session: Session, _ steps: inout Int) {
        if let filter {
            if let subscription = session.subscriptions.first(where: { $0.0.key == filter }) {
                take(subscription.0, subscription.1, session)
            }
            steps -= session.subscriptions.count
            return
        }
        for (filter, subscription) in session.subscriptions {
            steps -= 1
            take(filter, subscription, session)
        }
    }

    private mutating func take(_ filter: TopicFilter, _ subscription: Session.Subscription, _ session: Session) {
        if let qos = search.qos, subscription.options.maximumQoS.rawValue != qos { return }
        if let pattern, !Self.matches(filter.levels[...], pattern[...]) { return }
        found.count += 1
        guard found.count > search.skip, found.rows.count < search.limit else { return }
        found.rows.append(
            SubscriptionRow(
                client: session.clientIdentifier.string,
                filter: filter.key.string,
                qos: subscription.options.maximumQoS.rawValue,
                noLocal: subscription.options.noLocal,
                retainAsPublished: subscription.options.retainAsPublished,
                retainHandling: subscription.options.retainHandling.rawValue,
                isDurable: session.lane != nil
            )
        )
    }

    /// True if a pattern matches levels, whose wildcards are names like others (MQTT 5.0 §4.7.1).
    private static func matches(_ levels: ArraySlice<UTF8Key>, _ pattern: ArraySlice<UTF8Key>) -> Bool {
        var (levels, pattern) = (levels, pattern)
        while let wanted = pattern.popFirst() {
            if wanted == TopicFilter.multiLevel { return true }
            guard let level = levels.popFirst() else { return false }
            if wanted != TopicFilter.singleLevel, wanted != level { return false }
        }
        return levels.isEmpty
    }
}
