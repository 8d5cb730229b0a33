import MQTTCodec
import NIOCore

/// What is known of lanes that no shard leads: the filters of their sessions, as the leader before had told them. Messages for them wait
/// until the lanes have a leader again, which knows more.
struct Limbo {
    /// The lanes of one leader before, and the buckets of its durable sessions' filters.
    private struct Part {
        var lanes: UInt64
        let filters: Interest.Buckets
    }

    private var parts: [Part] = []
    /// Lanes of whose sessions nothing is known, a bit for each: nobody has led them since this node has been there, or their leader has given
    /// them up.
    private(set) var unknown: UInt64 = 0
    /// Messages that wait, in the order of their numbers.
    private(set) var messages: [Message] = []
    /// Octets of these.
    private(set) var octets = 0
    /// The lanes that messages wait for, a bit for each: later messages for them wait behind.
    private(set) var waiting: UInt64 = 0

    /// A message that waits for the leaders of lanes.
    struct Message {
        /// Of what the shard hands over, whenever that was: messages are held in this order.
        var number: UInt64 = 0
        let publish: Publish
        /// `Session.identity` of its publisher.
        let publisher: UInt64
        let origin: LoggedMessage.Origin?
        /// What waits until the lanes keep the message; counts the message once, until it is handed over to all leaders.
        let receipt: Receipt?
        /// A bit for each lane that the message waits for.
        var lanes: UInt64
        /// True if the message is to be retained, rather than delivered.
        let isRetained: Bool
    }

    /// True if there is no such lane, and nothing waits.
    var isEmpty: Bool { parts.isEmpty && unknown == 0 && messages.isEmpty }

    init() {}

    /// - Parameter unknown: lanes of whose sessions nothing is known, a bit for each.
    init(unknown: UInt64) { self.unknown = unknown }

    /// The lanes of a leader that is gone.
    mutating func add(_ lanes: UInt64, _ filters: Interest.Buckets) {
        if lanes != 0 { parts.append(Part(lanes: lanes, filters: filters)) }
    }

    /// Nothing is known of the sessions of lanes, or not any more.
    mutating func addUnknown(_ lanes: UInt64) {
        unknown |= lanes
        forget(lanes)
    }

    private mutating func forget(_ lanes: UInt64) {
        for place in parts.indices { parts[place].lanes &= ~lanes }
        parts.removeAll { $0.lanes == 0 }
    }

    /// The lanes without a leader that may have sessions which subscribe to a topic.
    func lanes(interestedIn levels: [UTF8Key]) -> UInt64 {
        if parts.isEmpty { return unknown }
        let buckets = Interest.buckets(of: levels)
        return parts.reduce(unknown) { found, part in
            buckets.contains { part.filters.contains($0) } ? found | part.lanes : found
        }
    }

    /// The number of the first message that waits for a lane.
    func first(for lane: Lane) -> UInt64? { messages.first { $0.lanes & lane.bit != 0 }?.number }

    mutating func hold(_ message: Message) {
        var place = messages.endIndex
        while place > 0, messages[place - 1].number > message.number { place -= 1 }
        messages.insert(message, at: place)
        waiting |= message.lanes
        octets += message.publish.octetCount
        message.receipt?.remaining += 1
    }

    /// Lanes have a leader again. Returns the messages that waited for them, in their order, each with those lanes only; those that wait for
    /// nothing else are removed, and `true` says so.
    mutating func release(_ lanes: UInt64) -> [(message: Message, isLast: Bool)] {
        unknown &= ~lanes
        forget(lanes)
        var released: [(message: Message, isLast: Bool)] = []
        for place in messages.indices where messages[place].lanes & lanes != 0 {
            var message = messages[place]
            messages[place].lanes &= ~lanes
            message.lanes &= lanes
            released.append((message, messages[place].lanes == 0))
        }
        messages.removeAll { message in
            guard message.lanes == 0 else { return false }
            octets -= message.publish.octetCount
            return true
        }
        waiting &= ~lanes
        return released
    }
}
