import DequeModule

/// Packet identifiers of QoS 2 messages that a client sent on data streams which ended before PUBREL (MQTT 5.0 §4.3.3):
/// the messages were handed on, so a repetition must not be.
///
/// Streams number their messages apart, so that one identifier may stand here more than once.
struct OrphanedIdentifiers: Sendable {
    private var identifiers: Deque<UInt16> = []

    var isEmpty: Bool { identifiers.isEmpty }
    var count: Int { identifiers.count }

    /// Appends within the bound. Returns how many of the oldest had to be forgotten for it.
    mutating func append(_ identifier: UInt16, maximumCount: Int) -> Int {
        identifiers.append(identifier)
        let surplus = max(0, identifiers.count - maximumCount)
        identifiers.removeFirst(surplus)
        return surplus
    }

    /// Removes an identifier, once, and returns whether it was there.
    mutating func take(_ identifier: UInt16) -> Bool {
        guard let index = identifiers.firstIndex(of: identifier) else { return false }
        identifiers.remove(at: index)
        if identifiers.isEmpty { identifiers = [] }
        return true
    }
}
