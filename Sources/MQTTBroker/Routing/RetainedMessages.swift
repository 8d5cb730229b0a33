import MQTTCodec
import NIOCore

/// The retained messages of the topics that this shard keeps, by the levels of their topics.
struct RetainedMessages {
    private(set) var count = 0
    /// Octets of topics and payloads, and of the levels that lead to them.
    private(set) var byteCount = 0
    let root = Node(isReserved: false)
    /// What a level of a topic takes that no other topic has: a topic of many levels is more than its octets.
    static let levelByteCount = 250

    /// The topics that begin with the same levels.
    final class Node {
        fileprivate(set) var children = SlotDictionary<UTF8Key, Node>()
        /// The retained message of the topic that ends here.
        fileprivate(set) var message: Message?
        /// When `message` expires.
        var deadline: Deadline.Handle?
        /// True if the last level begins with `$`.
        let isReserved: Bool

        fileprivate init(isReserved: Bool) { self.isReserved = isReserved }
    }

    /// Keeps `message` in place of the topic's earlier one [MQTT-3.3.1-5]. Returns the topic's node; `nil` if there was no
    /// room.
    mutating func set(_ message: Message, at levels: [UTF8Key], limits: Limits) -> Node? {
        let (known, last) = find(levels)
        let previous = known == levels.count ? last.message : nil
        let grown =
            byteCount + message.byteCount - (previous?.byteCount ?? 0) + (levels.count - known) * Self.levelByteCount
        guard grown <= limits.maximumRetainedBytes, previous != nil || count < limits.maximumRetainedMessages else {
            return nil
        }
        var node = root
        for level in levels {
            if let next = node.children[level] {
                node = next
            } else {
                let next = Node(isReserved: TopicLevels.isReserved([level]))
                node.children[level] = next
                node = next
            }
        }
        node.message = message
        byteCount = grown
        if previous == nil { count += 1 }
        return node
    }

    /// Removes the topic's message [MQTT-3.3.1-6]. Returns the node that had it.
    mutating func remove(_ levels: [UTF8Key]) -> Node? {
        var path: [(node: Node, level: UTF8Key)] = []
        var node = root
        for level in levels {
            guard let next = node.children[level] else { return nil }
            path.append((node, level))
            node = next
        }
        let last = node
        guard let message = node.message else { return nil }
        node.message = nil
        count -= 1
        byteCount -= message.byteCount
        while node.message == nil, node.children.isEmpty, let (parent, level) = path.popLast() {
            parent.children[level] = nil
            byteCount -= Self.levelByteCount
            node = parent
        }
        return last
    }

    /// The topics of all messages.
    var topics: [ByteBuffer] {
        var topics: [ByteBuffer] = []
        var nodes = [root]
        while let node = nodes.popLast() {
            if let message = node.message { topics.append(message.encoded.topic) }
            for place in 0..<node.children.placeCount {
                if let child = node.children.value(at: place) { nodes.append(child) }
            }
        }
        return topics
    }

    /// The last node on the way to a topic, and how many of its levels that is.
    private func find(_ levels: [UTF8Key]) -> (known: Int, node: Node) {
        var node = root
        for (depth, level) in levels.enumerated() {
            guard let next = node.children[level] else { return (depth, node) }
            node = next
        }
        return (levels.count, node)
    }
}
