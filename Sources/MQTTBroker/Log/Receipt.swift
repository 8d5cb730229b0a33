import DequeModule
import MQTTCodec
import NIOCore

/// Counts what a message waits for before it is acknowledged: each lane of this shard that keeps it for a durable session or retains
/// it, and each other shard that may.
final class Receipt {
    /// Who is told once nothing is left to wait for.
    enum Owner {
        /// PUBACK or PUBREC of a connection, in its order.
        case connection(Connection)
        /// A shard that has handed the message over under this number, and the one that the message came from first.
        case shard(ShardReference, number: UInt64, source: ShardReference)
        /// The outbox of a lane that this shard leads.
        case outbox(Lane)
        /// Who has asked for the message by the inquiry of this number; whether somebody is subscribed to its topic.
        case inquiry(UInt64, hasSubscribers: Bool)
    }

    let owner: Owner
    var remaining = 0
    var isComplete: Bool { remaining == 0 }

    init(_ owner: Owner) { self.owner = owner }
}

/// The acknowledgements of a connection that wait for receipts, in the order of their PUBLISH [MQTT-4.6.0-2].
final class WithheldAcknowledgements {
    /// An acknowledgement that waits.
    struct Entry {
        let kind: PublishAcknowledgement.Kind
        let packetIdentifier: UInt16
        let reason: ReasonCode
        /// `nil` if the acknowledgement waits for the earlier ones only.
        let receipt: Receipt?
        /// Of the message.
        let octets: Int
    }

    private(set) var entries: Deque<Entry> = []
    /// Entries since the beginning, and those of them that were taken.
    private(set) var appendedCount: UInt64 = 0
    var takenCount: UInt64 { appendedCount - UInt64(entries.count) }
    /// Of all their messages.
    private(set) var octets = 0
    /// Messages of the entries that nobody has got yet, in their order. The receipts of their entries wait for that.
    var untaken: Deque<(publish: Publish, receipt: Receipt)> = []
    /// Since when the connection is not read, as too much waits; `nil` while it is read.
    var heldUpSince: NIODeadline?
    /// True if the connection is among those that wait for others (`LaneTable.heldUp`).
    var isListed = false

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    func append(_ entry: Entry) {
        entries.append(entry)
        appendedCount += 1
        octets += entry.octets
    }

    /// Takes the oldest entry, unless it still waits for something.
    func popReady() -> Entry? {
        guard let first = entries.first, first.receipt?.isComplete ?? true else { return nil }
        entries.removeFirst()
        octets -= first.octets
        return first
    }
}
