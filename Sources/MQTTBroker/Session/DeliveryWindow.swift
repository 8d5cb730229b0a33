import DequeModule
import MQTTCodec

/// The QoS 1 and 2 messages that a client has not acknowledged, in the order in which they were sent (MQTT 5.0 §4.4,
/// [MQTT-4.6.0-6]).
struct DeliveryWindow {
    /// What the exchange of a message waits for.
    enum State: UInt8, Sendable {
        /// QoS 1: sent, PUBACK is due.
        case awaitingAcknowledgement
        /// QoS 2: sent, PUBREC is due.
        case awaitingRecorded
        /// QoS 2: PUBREL was sent, PUBCOMP is due; the message itself is discarded [MQTT-4.3.3-4].
        case awaitingComplete
        /// Sent on the present connection by the shard that led the lane before, and not in the lane's log: whatever the client answers.
        case foreign
    }

    /// A message in flight.
    struct Entry {
        let identifier: UInt16
        var state: State
        /// `nil` once the client has recorded the message (PUBREC).
        var message: Message?
        let retain: Bool
        let identifiers: [UInt32]
        /// The record of the message, as far as it may not have left for the store: an acknowledgement strikes it out.
        let logged: LoggedMessage?

        /// At least once, or exactly once.
        var qos: QualityOfService {
            switch state {
            case .awaitingAcknowledgement, .foreign: .atLeastOnce
            case .awaitingRecorded, .awaitingComplete: .exactlyOnce
            }
        }

        /// The message as it was queued; `nil` once the client has recorded it.
        var queued: MessageQueue.Entry? {
            message.map { .init(message: $0, qos: qos, retain: retain, identifiers: identifiers) }
        }
    }

    private(set) var entries: Deque<Entry> = []
    /// How many of the last entries are to be sent again on the client's present connection.
    private var unsent = 0
    private var lastIdentifier: UInt16 = 0
    /// Packet identifiers after the last one taken that are known to be free.
    private var freeRun = 0

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    var isSentWhole: Bool { unsent == 0 }
    /// Entries that were sent on the present connection.
    var sentCount: Int { entries.count - unsent }

    /// The client is back on another connection: all entries are to be sent again.
    mutating func beginResending() {
        if entries.contains(where: { $0.state == .foreign }) { entries.removeAll { $0.state == .foreign } }
        unsent = entries.count
    }

    /// The lane has another leader, and the client the connection that it had: what the client was not sent is to be sent again.
    ///
    /// - Parameter outstanding: the packet identifiers of the messages that the client was sent on this connection, in their order.
    mutating func resume(_ outstanding: [UInt16]) {
        let known = Set(entries.map(\.identifier))
        let sent = Set(outstanding)
        let foreign = outstanding.filter { !known.contains($0) }.map {
            Entry(identifier: $0, state: .foreign, message: nil, retain: false, identifiers: [], logged: nil)
        }
        let rest = entries.filter { !sent.contains($0.identifier) }
        entries = Deque(foreign + entries.filter { sent.contains($0.identifier) } + rest)
        unsent = rest.count
        // Further ones follow the newest, so that none is used again before the client's answers to it are long settled.
        for identifier in entries.map(\.identifier) where lastIdentifier == 0 || isBehind(identifier) {
            lastIdentifier = identifier
        }
        freeRun = 0
    }

    /// True if a packet identifier comes less than half of all behind the last one taken, as they are taken in turn.
    private func isBehind(_ identifier: UInt16) -> Bool { distance(to: identifier) < Int(UInt16.max) / 2 }

    /// The next entry to be sent again.
    var firstUnsent: Entry? { unsent == 0 ? nil : entries[entries.count - unsent] }

    mutating func markFirstUnsentAsSent() { unsent -= 1 }

    /// Removes an entry whose packet is larger than the client takes.
    mutating func discardFirstUnsent() { remove(at: entries.count - unsent) }

    /// Appends a message under a packet identifier that was taken for it, by this run of the session or an earlier one: further ones follow it,
    /// so that none is used again before the client's answers to it are long settled.
    mutating func append(_ entry: MessageQueue.Entry, _ packetIdentifier: UInt16, logged: LoggedMessage?) {
        lastIdentifier = packetIdentifier
        entries.append(
            Entry(
                identifier: packetIdentifier,
                state: entry.qos == .atLeastOnce ? .awaitingAcknowledgement : .awaitingRecorded,
                message: entry.message,
                retain: entry.retain,
                identifiers: entry.identifiers,
                logged: logged
            )
        )
    }

    // MARK: - Recovery

    /// Removes a message whose exchange was over, whatever its state.
    mutating func remove(_ identifier: UInt16) { index(of: identifier).map { _ = remove(at: $0) } }

    /// The client had recorded the message (PUBREC).
    mutating func markRecorded(_ identifier: UInt16) {
        guard let index = index(of: identifier) else {
            lastIdentifier = identifier
            entries.append(
                Entry(
                    identifier: identifier,
                    state: .awaitingComplete,
                    message: nil,
                    retain: false,
                    identifiers: [],
                    logged: nil
                )
            )
            return
        }
        entries[index].state = .awaitingComplete
        entries[index].message = nil
    }

    /// The messages that the client has not recorded, as they were queued.
    var unrecorded: [MessageQueue.Entry] { entries.compactMap(\.queued) }

    /// What follows from a PUBREC.
    enum Outcome {
        /// The exchange is over.
        case done(Entry)
        case release
        case unknown
    }

    /// PUBACK. Returns the message whose exchange is over; `nil` for an unknown packet identifier.
    mutating func acknowledge(_ identifier: UInt16) -> Entry? {
        guard let index = index(of: identifier) else { return nil }
        switch entries[index].state {
        case .awaitingAcknowledgement, .foreign: return remove(at: index)
        case .awaitingRecorded, .awaitingComplete: return nil
        }
    }

    /// PUBREC. A repeated PUBREC is answered again; a PUBREC with an error ends the exchange (MQTT 5.0 §4.3.3).
    mutating func record(_ identifier: UInt16, isError: Bool) -> Outcome {
        guard let index = index(of: identifier), entries[index].state != .awaitingAcknowledgement else {
            return .unknown
        }
        if isError { return .done(remove(at: index)) }
        entries[index].state = .awaitingComplete
        entries[index].message = nil
        return .release
    }

    /// PUBCOMP. Returns the message whose exchange is over; `nil` for an unknown packet identifier.
    mutating func complete(_ identifier: UInt16) -> Entry? {
        guard let index = index(of: identifier) else { return nil }
        switch entries[index].state {
        case .awaitingComplete, .foreign: return remove(at: index)
        case .awaitingAcknowledgement, .awaitingRecorded: return nil
        }
    }

    /// Takes the next free packet identifier [MQTT-2.2.1-4]. They are taken in turn, so those in use are searched once for each run
    /// of free ones.
    ///
    /// - Precondition: fewer than 65,535 messages are in flight, and nothing is to be sent again.
    mutating func takeIdentifier() -> UInt16 {
        while freeRun == 0 {
            let nearest = entries.reduce(Int(UInt16.max)) { min($0, distance(to: $1.identifier)) }
            freeRun = nearest - 1
            if freeRun == 0 { advance() }
        }
        freeRun -= 1
        advance()
        return lastIdentifier
    }

    private mutating func advance() { lastIdentifier = lastIdentifier == .max ? 1 : lastIdentifier + 1 }

    /// Steps from the last packet identifier taken to another, 1 to 65,535.
    private func distance(to identifier: UInt16) -> Int {
        let steps = Int(identifier) - Int(lastIdentifier)
        return steps > 0 ? steps : steps + Int(UInt16.max)
    }

    private func index(of identifier: UInt16) -> Int? {
        // Acknowledgements come in order [MQTT-4.6.0-2], so the first entry nearly always is the one.
        if let first = entries.first, first.identifier == identifier { return entries.startIndex }
        return entries.firstIndex { $0.identifier == identifier }
    }

    @discardableResult
    private mutating func remove(at index: Int) -> Entry {
        if index >= entries.count - unsent { unsent -= 1 }
        return index == entries.startIndex ? entries.removeFirst() : entries.remove(at: index)
    }
}
