import DequeModule
import MQTTCodec
import NIOCore

/// Messages at QoS 2 and wills of a lane's clients that are committed, and not yet kept by all that have to.
struct Outbox {
    /// A message of the outbox.
    struct Entry {
        let number: UInt64
        let publish: Publish
        /// By the monotonic clock; `nil` if the message never expires.
        let expiry: NIODeadline?
        /// `Session.identity` of the publisher.
        let publisher: UInt64
        /// `nil` until the message is handed over.
        var receipt: Receipt?

        /// The message with what is left of its time; `nil` if it has expired [MQTT-3.3.2-5].
        func remaining(now: Instant) -> Publish? {
            guard let expiry else { return publish }
            guard expiry > now.monotonic else { return nil }
            var publish = publish
            let left = (expiry - now.monotonic).nanoseconds
            publish.properties.values.messageExpiryInterval = UInt32(clamping: (left + 999_999_999) / 1_000_000_000)
            return publish
        }
    }

    private(set) var entries: Deque<Entry> = []
    private(set) var lastNumber: UInt64 = 0
    /// Entries that were handed over, the first ones.
    private var handedOver = 0
    /// The messages up to this number had left the outbox, as the log says.
    private var restoredPassed: UInt64 = 0

    mutating func append(_ publish: Publish, expiry: NIODeadline?, publisher: UInt64) -> UInt64 {
        lastNumber += 1
        entries.append(Entry(number: lastNumber, publish: publish, expiry: expiry, publisher: publisher))
        return lastNumber
    }

    /// The next message to hand over, which waits for `receipt` from now on.
    mutating func next(_ receipt: Receipt) -> Entry? {
        guard handedOver < entries.count else { return nil }
        entries[handedOver].receipt = receipt
        handedOver += 1
        return entries[handedOver - 1]
    }

    /// Removes the messages that everybody keeps, up to the first that somebody does not. Returns the number of the last one.
    mutating func removePassed() -> UInt64? {
        var last: UInt64?
        while let first = entries.first, let receipt = first.receipt, receipt.isComplete {
            last = first.number
            entries.removeFirst()
            handedOver -= 1
        }
        return last
    }

    /// All messages up to this number have left the outbox.
    var lastPassed: UInt64 { (entries.first?.number ?? lastNumber + 1) - 1 }

    // MARK: - Recovery

    /// Somebody has kept a message of this number: numbers up to it are not given out again, even if the log has lost it.
    mutating func restore(reached number: UInt64) { lastNumber = max(lastNumber, number) }

    /// A message may be in the log twice, since it was written again, and behind one with a higher number, which came while that was done.
    mutating func restore(_ message: Message, retain: Bool, publisher: UInt64, number: UInt64) {
        guard number > restoredPassed, let publish = message.publish(retain: retain) else { return }
        lastNumber = max(lastNumber, number)
        var place = entries.endIndex
        while place > entries.startIndex, entries[place - 1].number >= number { place -= 1 }
        if place < entries.endIndex, entries[place].number == number { return }
        entries.insert(
            Entry(number: number, publish: publish, expiry: message.expiry, publisher: publisher),
            at: place
        )
    }

    mutating func restore(passed number: UInt64) {
        lastNumber = max(lastNumber, number)
        restoredPassed = max(restoredPassed, number)
        while let first = entries.first, first.number <= number { entries.removeFirst() }
    }
}
