import MQTTCodec
import NIOCore

/// The retained messages of the topics that this shard keeps, by the levels of their topics.
struct RetainedMessages {
    private(set) var count = 0
    private(set) var byteCount = 0
    private let root = Node()

    private final class Node {
        var children: [UTF8Key: Node] = [:]
        var message: Message?
    }

    /// Keeps `message` in place of the topic's earlier one [MQTT-3.3.1-5]. Returns whether there was room.
    mutating func set(_ message: Message, at levels: [UTF8Key], limits: Limits) -> Bool {
        let previous = find(levels)?.message
        let grown = byteCount + message.byteCount - (previous?.byteCount ?? 0)
        guard grown <= limits.maximumRetainedBytes, previous != nil || count < limits.maximumRetainedMessages else {
            return false
        }
        var node = root
        for level in levels {
            if let next = node.children[level] {
                node = next
            } else {
                let next = Node()
                node.children[level] = next
                node = next
            }
        }
        node.message = message
        byteCount = grown
        if previous == nil { count += 1 }
        return true
    }

    /// Forgets the topic's message [MQTT-3.3.1-6].
    mutating func remove(_ levels: [UTF8Key]) {
        var path: [(node: Node, level: UTF8Key)] = []
        var node = root
        for level in levels {
            guard let next = node.children[level] else { return }
            path.append((node, level))
            node = next
        }
        guard let message = node.message else { return }
        node.message = nil
        count -= 1
        byteCount -= message.byteCount
        while node.message == nil, node.children.isEmpty, let (parent, level) = path.popLast() {
            parent.children[level] = nil
            node = parent
        }
    }

    /// The messages whose topics the filter matches and that have not expired.
    func matching(_ filter: TopicFilter, now: NIODeadline) -> [Message] {
        var found: [Message] = []
        match(root, filter.levels, 0, now, &found)
        return found
    }

    /// When the topic's message expires; `nil` where it never does, or there is none.
    func expiry(_ levels: [UTF8Key]) -> NIODeadline? { find(levels)?.message?.expiry }

    private func find(_ levels: [UTF8Key]) -> Node? {
        var node = root
        for level in levels {
            guard let next = node.children[level] else { return nil }
            node = next
        }
        return node
    }

    private func match(_ node: Node, _ levels: [UTF8Key], _ depth: Int, _ now: NIODeadline, _ found: inout [Message]) {
        guard depth < levels.count else {
            collect(node, now, &found)
            return
        }
        let level = levels[depth]
        if level == TopicFilter.multiLevel {
            collect(node, now, &found)
            descend(node, depth) { collectAll($0, now, &found) }
        } else if level == TopicFilter.singleLevel {
            descend(node, depth) { match($0, levels, depth + 1, now, &found) }
        } else if let next = node.children[level] {
            match(next, levels, depth + 1, now, &found)
        }
    }

    /// Wildcards at the first level do not match topics that begin with `$` [MQTT-4.7.2-1].
    private func descend(_ node: Node, _ depth: Int, _ body: (Node) -> Void) {
        for (level, next) in node.children where depth > 0 || !TopicLevels.isReserved([level]) { body(next) }
    }

    private func collectAll(_ node: Node, _ now: NIODeadline, _ found: inout [Message]) {
        collect(node, now, &found)
        for next in node.children.values { collectAll(next, now, &found) }
    }

    private func collect(_ node: Node, _ now: NIODeadline, _ found: inout [Message]) {
        if let message = node.message, !message.isExpired(now: now) { found.append(message) }
    }
}
