import MQTTCodec

/// Filters that somebody has subscribed to, whoever it is.
struct FilterSet {
    private var tree = TopicTree()
    /// Stands for all subscribers.
    private let subscriber = Session(clientIdentifier: UTF8Key(""), identity: 0, number: 0)

    mutating func insert(_ filter: TopicFilter) {
        _ = tree.insert(.init(session: subscriber, options: SubscriptionOptions(), identifier: 0), at: filter)
    }

    /// True if one of the filters matches a topic of these levels.
    func matches(_ levels: [UTF8Key]) -> Bool {
        var isMatched = false
        tree.forEachMatch(levels) { _ in isMatched = true }
        return isMatched
    }
}
