import MQTTCodec

/// A `SubscriptionSearch` that is under way. It visits the sessions in the order of their places, and counts all that fits.
struct SubscriptionWalk {
    private let search: SubscriptionSearch
    private let client: UTF8Key?
    private let filter: UTF8Key?
    private let pattern: [UTF8Key]?
    private var place = 0
    /// The session that is visited, and its subscriptions that are still to be visited.
    private var current: (session: Session, rest: ShortDictionary<TopicFilter, Session.Subscription>.Iterator)?
    private var found = SubscriptionSearch.Found()

    init(_ search: SubscriptionSearch) {
        self.search = search
        client = search.client.map { UTF8Key($0) }
        filter = search.filter.map { UTF8Key($0) }
        pattern = search.pattern.map { TopicFilter.levels(of: $0) }
    }

    /// Goes on for at most `steps`, each of which visits a place or a subscription, and takes those used from `steps`.
    ///
    /// - Returns: what was found, once the search has come to its end.
    mutating func advance(by steps: inout Int, in shard: borrowing Shard) -> SubscriptionSearch.Found? {
        while steps > 0 {
            steps -= 1
            if let (filter, subscription) = current?.rest.next() {
                if let session = current?.session { take(filter, subscription, session) }
            } else if let session = nextSession(in: shard) {
                current = session.map { ($0, $0.subscriptions.makeIterator()) }
            } else {
                return found
            }
        }
        return nil
    }

    /// What is at the next place, which may be nothing; `nil` behind the last place. Of a search for one client, its session is at the only place.
    private mutating func nextSession(in shard: borrowing Shard) -> Session?? {
        defer { place += 1 }
        if let client { return place == 0 ? .some(shard.sessions[client]) : .none }
        return place < shard.sessions.placeCount ? .some(shard.sessions.session(at: place)) : .none
    }

    private mutating func take(_ filter: TopicFilter, _ subscription: Session.Subscription, _ session: Session) {
        if let wanted = self.filter, wanted != filter.key { return }
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
