import MQTTCodec
import NIOCore

/// Packets that were sent and are not answered, by packet identifier.
///
/// The identifier is the index into an array, and the identifier freed last is used first: look-ups need no hash, and the
/// table is as large as the most packets that were ever in flight.
struct InflightTable {
    /// A packet that is not answered.
    struct Entry {
        /// What the packet was.
        enum Stage {
            /// PUBLISH at QoS 1 or 2 without PUBACK or PUBREC.
            case publish(Publish)
            /// PUBREL without PUBCOMP, and the reason code of PUBREC.
            case release(ReasonCode)
            case subscribe
            case unsubscribe(filters: Int)
        }

        var stage: Stage
        let token: UInt64
        /// Rises with each entry: messages are sent again in the order in which they were sent first [MQTT-4.6.0-1].
        var sequence: UInt64
        var sentAt: NIODeadline
    }

    let identifiers: PacketIdentifiers
    private var slots: [Entry?] = []
    private var nextSequence: UInt64 = 0

    /// Entries in the table.
    private(set) var count = 0

    init(identifiers: PacketIdentifiers) { self.identifiers = identifiers }

    /// Adds an entry and returns its identifier, or `nil` if all 65,535 are in use.
    mutating func insert(_ stage: Entry.Stage, token: UInt64, now: NIODeadline) -> UInt16? {
        guard let identifier = identifiers.take() else { return nil }
        put(Entry(stage: stage, token: token, sequence: nextSequence, sentAt: now), at: identifier)
        return identifier
    }

    /// Adds an entry of another table of the same client, as the newest.
    mutating func adopt(_ entry: Entry, as identifier: UInt16, now: NIODeadline) {
        var entry = entry
        entry.sequence = nextSequence
        entry.sentAt = now
        put(entry, at: identifier)
    }

    private mutating func put(_ entry: Entry, at identifier: UInt16) {
        while slots.count < Int(identifier) { slots.append(nil) }
        slots[Int(identifier) - 1] = entry
        nextSequence += 1
        count += 1
    }

    subscript(identifier: UInt16) -> Entry? {
        guard identifier > 0, identifier <= slots.count else { return nil }
        return slots[Int(identifier) - 1]
    }

    /// Replaces the stage of an entry that exists.
    mutating func update(_ identifier: UInt16, _ stage: Entry.Stage, now: NIODeadline) {
        guard self[identifier] != nil else { return }
        slots[Int(identifier) - 1]?.stage = stage
        slots[Int(identifier) - 1]?.sentAt = now
    }

    mutating func touch(_ identifier: UInt16, now: NIODeadline) {
        guard self[identifier] != nil else { return }
        slots[Int(identifier) - 1]?.sentAt = now
    }

    @discardableResult
    mutating func remove(_ identifier: UInt16) -> Entry? {
        guard let entry = release(identifier) else { return nil }
        identifiers.giveBack(identifier)
        return entry
    }

    /// Removes an entry and keeps its identifier in use, for another table.
    mutating func release(_ identifier: UInt16) -> Entry? {
        guard let entry = self[identifier] else { return nil }
        slots[Int(identifier) - 1] = nil
        count -= 1
        return entry
    }

    /// Identifiers of the entries that `isIncluded` accepts, oldest first.
    func identifiers(where isIncluded: (Entry) -> Bool) -> [UInt16] {
        guard count > 0 else { return [] }
        var found: [(sequence: UInt64, identifier: UInt16)] = []
        for (index, slot) in slots.enumerated() {
            if let slot, isIncluded(slot) { found.append((slot.sequence, UInt16(index + 1))) }
        }
        return found.sorted { $0.sequence < $1.sequence }.map(\.identifier)
    }
}
