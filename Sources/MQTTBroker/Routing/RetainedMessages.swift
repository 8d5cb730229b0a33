import MQTTCodec
import NIOCore

/// The retained messages of the topics that this shard keeps, by the levels of their topics.
struct RetainedMessages {
    private(set) var count = 0
    /// Octets of topics and payloads, and of the levels that lead to them.
    private(set) var byteCount = 0
    private let root = Node()
    /// What a level of a topic takes that no other topic has: a topic of many levels is more than its octets.
    static let levelByteCount = 200

    private final class Node {
        var children: [UTF8Key: Node] = [:]
        var message: Message?
    }

    /// Keeps `message` in place of the topic's earlier one [MQTT-3.3.1-5]. Returns whether there was room.
    mutating func set(_ message: Message, at levels: [UTF8Key], limits: Limits) -> Bool {
        let (known, last) = find(levels)
        let previous = known == levels.count ? last.message : nil
        let grown =
            byteCount + message.byteCount - (previous?.byteCount ?? 0) + (levels.count - known) * Self.levelByteCount
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
            byteCount -= Self.levelByteCount
            node = parent
        }
    }

    /// For each filter the messages whose topics it matches and that have not expired; no more than `limit` in all.
    ///
    /// A filter that comes again is not looked for again: a packet has room for a quarter of a million of them.
    func matching(_ filters: [TopicFilter], atMost limit: Int, now: NIODeadline) -> [[Message]] {
        var room = limit
        var known: [TopicFilter: [Message]] = [:]
        return filters.map { filter in
            if let known = known[filter] {
                let again = Array(known.prefix(room))
                room -= again.count
                return again
            }
            var found = Found(room: room, now: now)
            if room > 0 { match(root, filter.levels, 0, &found) }
            room = found.room
            known[filter] = found.messages
            return found.messages
        }
    }

    private struct Found {
        var messages: [Message] = []
        var room: Int
        let now: NIODeadline

        init(room: Int, now: NIODeadline) {
            self.room = room
            self.now = now
        }
    }

    /// When the topic's message expires; `nil` where it never does, or there is none.
    func expiry(_ levels: [UTF8Key]) -> NIODeadline? {
        let (known, node) = find(levels)
        return known == levels.count ? node.message?.expiry : nil
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

    private func match(_ node: Node, _ levels: [UTF8Key], _ depth: Int, _ found: inout Found) {
        guard depth < levels.count else {
            collect(node, &found)
            return
        }
        let level = levels[depth]
        if level == TopicFilter.multiLevel {
            collect(node, &found)
            descend(node, depth, &found) { collectAll($0, &$1) }
        } else if level == TopicFilter.singleLevel {
            descend(node, depth, &found) { match($0, levels, depth + 1, &$1) }
        } else if let next = node.children[level] {
            match(next, levels, depth + 1, &found)
        }
    }

    /// Wildcards at the first level do not match topics that begin with `$` [MQTT-4.7.2-1].
    private func descend(_ node: Node, _ depth: Int, _ found: inout Found, _ body: (Node, inout Found) -> Void) {
        for (level, next) in node.children where depth > 0 || !TopicLevels.isReserved([level]) {
            if found.room == 0 { return }
            body(next, &found)
        }
    }

    private func collectAll(_ node: Node, _ found: inout Found) {
        collect(node, &found)
        for next in node.children.values {
            if found.room == 0 { return }
            collectAll(next, &found)
        }
    }

    private func collect(_ node: Node, _ found: inout Found) {
        guard found.room > 0, let message = node.message, !message.isExpired(now: found.now) else { return }
        found.messages.append(message)
        found.room -= 1
    }
}
