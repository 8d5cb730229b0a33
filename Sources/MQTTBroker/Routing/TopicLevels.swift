import NIOCore

/// The levels of a topic name.
enum TopicLevels {
    /// The levels of a topic; `nil` if there are more than `limit`.
    static func split(_ topic: ByteBuffer, limit: Int) -> [UTF8Key]? {
        let levels = topic.readableBytesView.split(
            separator: TopicFilter.separator,
            maxSplits: limit,
            omittingEmptySubsequences: false
        )
        guard levels.count <= limit else { return nil }
        return levels.map { UTF8Key(String(decoding: $0, as: UTF8.self)) }
    }

    /// True if the topic begins with `$`, so that wildcards at the first level do not match it [MQTT-4.7.2-1].
    static func isReserved(_ levels: [UTF8Key]) -> Bool {
        levels.first?.string.utf8.first == UInt8(ascii: "$")
    }
}
