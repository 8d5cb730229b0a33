package import MQTTCodec

/// A topic filter (MQTT 5.0 §4.7).
package struct TopicFilter: Hashable, Sendable {
    /// The whole filter, by which filters are compared.
    package let key: UTF8Key
    /// The levels, one at least; a wildcard is a level of its own. Split anew at each call, since there is one filter for each
    /// subscription, and it is looked at when the subscription begins and ends.
    package var levels: [UTF8Key] { Self.levels(of: key.string) }

    /// The levels of a text that may or may not be a filter.
    static func levels(of text: String) -> [UTF8Key] {
        text.utf8.split(separator: separator, omittingEmptySubsequences: false)
            .map { UTF8Key(String(Substring($0))) }
    }

    package static let separator = UInt8(ascii: "/")
    static let singleLevel = UTF8Key("+")
    static let multiLevel = UTF8Key("#")

    package var hasWildcard: Bool { levels.contains { $0 == Self.singleLevel || $0 == Self.multiLevel } }

    /// Why a filter is refused in SUBACK.
    package struct Refusal: Error, Equatable { package let reasonCode: ReasonCode }

    /// - Throws: `Refusal` for a filter that MQTT 5.0 §4.7.1 does not allow: an empty one, `#` anywhere but alone in the last level
    ///   [MQTT-4.7.1-1], `+` not alone in its level [MQTT-4.7.1-2]; and for one that `limits` exclude.
    package init(_ string: String, limits: Limits) throws(Refusal) {
        let levels = string.utf8.split(
            separator: Self.separator,
            maxSplits: limits.maximumTopicLevels,
            omittingEmptySubsequences: false
        )
        guard !string.isEmpty, levels.count <= limits.maximumTopicLevels else {
            throw Refusal(reasonCode: .topicFilterInvalid)
        }
        var wild = false
        for (index, level) in levels.enumerated() {
            let isLast = index == levels.count - 1
            for octet in level where octet == UInt8(ascii: "+") || octet == UInt8(ascii: "#") {
                guard level.count == 1, octet == UInt8(ascii: "+") || isLast else {
                    throw Refusal(reasonCode: .topicFilterInvalid)
                }
                wild = true
            }
        }
        guard !wild || limits.wildcardSubscriptionAvailable else {
            throw Refusal(reasonCode: .wildcardSubscriptionsNotSupported)
        }
        // CONNACK tells that shared subscriptions are not available.
        guard levels[0].elementsEqual("$share".utf8) == false || levels.count < 2 else {
            throw Refusal(reasonCode: .sharedSubscriptionsNotSupported)
        }
        self.key = UTF8Key(string)
    }

    package static func == (lhs: Self, rhs: Self) -> Bool { lhs.key == rhs.key }
    package func hash(into hasher: inout Hasher) { hasher.combine(key) }
}
