import DequeModule

/// Packet identifiers of QoS 2 messages whose data streams ended before PUBREL (MQTT 5.0 §4.3.3). The messages were delivered,
/// so a repeated PUBLISH must not be.
///
/// Each stream has packet identifiers of its own, so an identifier can be here more than once.
struct OrphanedIdentifiers: Sendable {
    private(set) var identifiers: Deque<UInt16> = []

    var isEmpty: Bool { identifiers.isEmpty }
    var count: Int { identifiers.count }

    /// Appends an identifier. Returns how many of the oldest were displaced.
    mutating func append(_ identifier: UInt16, maximumCount: Int) -> Int {
        identifiers.append(identifier)
        let surplus = max(0, identifiers.count - maximumCount)
        identifiers.removeFirst(surplus)
        return surplus
    }

    /// Removes one occurrence of an identifier. Returns whether there was one.
    mutating func take(_ identifier: UInt16) -> Bool {
        guard let index = identifiers.firstIndex(of: identifier) else { return false }
        identifiers.remove(at: index)
        if identifiers.isEmpty { identifiers = [] }
        return true
    }
}
