@testable import MQTTBroker

/// The matching of topic filters as MQTT 5.0 §4.7 words it, level by level and without any of the broker's code: what
/// the broker's tables are compared with.
enum NaiveMatcher {
    static func matches(_ filter: String, _ topic: String) -> Bool {
        let filter = levels(filter)
        let topic = levels(topic)
        let startsWithWildcard = filter[0].elementsEqual("+".utf8) || filter[0].elementsEqual("#".utf8)
        if startsWithWildcard, topic[0].first == UInt8(ascii: "$") { return false }  // [MQTT-4.7.2-1]
        for (index, level) in filter.enumerated() {
            // The parent and any number of levels below it (§4.7.1.2).
            if level.elementsEqual("#".utf8) { return topic.count >= index }
            guard index < topic.count else { return false }
            // One level, and an empty one is a level (§4.7.1.3).
            if level.elementsEqual("+".utf8) { continue }
            // Octet by octet: nothing is normalised [MQTT-4.7.3-4].
            guard level.elementsEqual(topic[index]) else { return false }
        }
        return filter.count == topic.count
    }

    static func matches(_ filter: TopicFilter, _ topic: String) -> Bool { matches(filter.key.string, topic) }

    private static func levels(_ text: String) -> [Substring.UTF8View] {
        text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Substring($0).utf8 }
    }
}
