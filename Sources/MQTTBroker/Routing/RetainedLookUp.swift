import NIOCore

/// A search for the retained messages whose topics some filters match, done in steps, since there may be millions of topics.
///
/// Retained messages may come and go between the steps. A message that is there from start to end is found.
struct RetainedLookUp {
    /// The SUBSCRIBE that asks.
    let requester: Requester
    /// The shard of the session that is subscribed.
    let asker: ShardReference
    /// The levels of each filter.
    private let filters: [[UTF8Key]]
    /// True if wildcards match topics that begin with `$`, too.
    private let includesReserved: Bool
    /// Messages that may still be found.
    private var room: Int
    /// The filter that is being matched.
    private var filter = 0
    /// The nodes from the root to the one that is visited.
    private var path: [Visit]

    /// A retained message, and the place of the filter that matches its topic.
    struct Found: Sendable {
        let filter: Int
        let message: Message
    }

    /// How far a node of the tree is searched.
    private struct Visit {
        let node: RetainedMessages.Node
        /// The level of the filter that the node's children are matched with.
        let depth: Int
        /// The child to visit next; `nil` if the node itself is still to be visited.
        var child: Int?
    }

    /// - Parameter room: the most messages to find, all filters together.
    init(
        _ filters: [TopicFilter],
        requester: Requester,
        asker: ShardReference,
        room: Int,
        in retained: RetainedMessages
    ) {
        self.filters = filters.map(\.levels)
        includesReserved = false
        self.requester = requester
        self.asker = asker
        self.room = room
        path = [Visit(node: retained.root, depth: 0)]
    }

    /// Finds all messages, whatever their topic, for nobody's SUBSCRIBE.
    init(ofAll retained: RetainedMessages) {
        filters = [[TopicFilter.multiLevel]]
        includesReserved = true
        asker = ShardReference(shard: 0)
        requester = Requester(connection: ConnectionReference(shard: asker, slot: -1, number: 0), number: 0)
        room = .max
        path = [Visit(node: retained.root, depth: 0)]
    }

    var isDone: Bool { room == 0 || filter == filters.count }

    /// Goes on for at most `steps`, each of which visits a node, and takes those used from `steps`. Messages that have expired are
    /// not found.
    mutating func advance(by steps: inout Int, in retained: RetainedMessages, now: Instant) -> [Found] {
        var found: [Found] = []
        while steps > 0, !isDone {
            steps -= 1
            if let visit = path.popLast() {
                self.visit(visit, root: retained.root, &found, now: now)
            } else {
                filter += 1
                path.append(Visit(node: retained.root, depth: 0))
            }
        }
        return found
    }

    private mutating func visit(_ visit: Visit, root: RetainedMessages.Node, _ found: inout [Found], now: Instant) {
        let levels = filters[filter]
        let level = visit.depth < levels.count ? levels[visit.depth] : nil
        guard let place = visit.child else {
            // `a/#` matches `a` too (MQTT 5.0 §4.7.1.2).
            if level == nil || level == TopicFilter.multiLevel { collect(visit.node, &found, now: now) }
            if level == TopicFilter.singleLevel || level == TopicFilter.multiLevel {
                path.append(Visit(node: visit.node, depth: visit.depth, child: 0))
            } else if let level, let child = visit.node.children[level] {
                path.append(Visit(node: child, depth: visit.depth + 1))
            }
            return
        }
        guard place < visit.node.children.placeCount else { return }
        path.append(Visit(node: visit.node, depth: visit.depth, child: place + 1))
        // Wildcards at the first level do not match topics that begin with `$` [MQTT-4.7.2-1].
        if let child = visit.node.children.value(at: place),
            visit.node !== root || includesReserved || !child.isReserved
        {
            path.append(Visit(node: child, depth: level == TopicFilter.multiLevel ? visit.depth : visit.depth + 1))
        }
    }

    private mutating func collect(_ node: RetainedMessages.Node, _ found: inout [Found], now: Instant) {
        guard let message = node.message, !message.isExpired(now: now) else { return }
        found.append(Found(filter: filter, message: message))
        room -= 1
    }
}
