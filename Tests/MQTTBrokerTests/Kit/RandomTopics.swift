import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Topic names and filters of so few different levels that many overlap; a seed replays them.
struct RandomTopics {
    var random: SeededGenerator

    /// Empty levels, `$` in and out of the first place, one letter in two Unicode forms, and words that begin alike.
    private static let words = ["a", "b", "c", "ab", "", "$SYS", "$", "é", "e\u{301}"]
    private static let maximumLevels = 6

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func number(below bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    mutating func chance(oneIn count: Int) -> Bool { number(below: count) == 0 }

    mutating func topic() -> String {
        while true {
            let topic = levels().joined(separator: "/")
            if !topic.isEmpty { return topic }  // [MQTT-4.7.3-1]
        }
    }

    /// One that a filter matches, but for `$` in the first level.
    mutating func topic(for filter: TopicFilter) -> String {
        var topic: [String] = []
        for level in filter.levels {
            switch level {
            case TopicFilter.singleLevel: topic.append(Self.words[number(below: Self.words.count)])
            case TopicFilter.multiLevel: topic += chance(oneIn: 2) ? levels() : []
            default: topic.append(level.string)
            }
        }
        let text = topic.joined(separator: "/")
        return text.isEmpty ? self.topic() : text
    }

    /// A valid filter; every other one has wildcards.
    mutating func filter() throws -> TopicFilter {
        var levels = levels()
        if chance(oneIn: 2) {
            for index in levels.indices where chance(oneIn: 3) { levels[index] = "+" }
            if chance(oneIn: 2) { levels[levels.count - 1] = "#" }
        }
        let text = levels.joined(separator: "/")
        return try text.isEmpty ? filter() : TopicFilter(text, limits: Limits())
    }

    mutating func options() -> SubscriptionOptions {
        SubscriptionOptions(
            maximumQoS: QualityOfService(rawValue: UInt8(number(below: 3))) ?? .atMostOnce,
            noLocal: chance(oneIn: 2),
            retainAsPublished: chance(oneIn: 2),
            retainHandling: SubscriptionOptions.RetainHandling(rawValue: UInt8(number(below: 3))) ?? .send
        )
    }

    /// Shorter ones come more often, since those overlap.
    private mutating func levels() -> [String] {
        let count = 1 + min(number(below: Self.maximumLevels), number(below: Self.maximumLevels))
        return (0..<count).map { _ in Self.words[number(below: Self.words.count)] }
    }
}

extension String {
    /// The levels of a topic name, as the broker splits what it read.
    var topicLevels: [UTF8Key] {
        get throws { try #require(TopicLevels.split(ByteBuffer(string: self), limit: Limits().maximumTopicLevels)) }
    }
}
