import NIOCore

/// The receiving side of a link, without IO: frames in order become messages; others are dropped, and the sender is told what is missing.
struct LinkReceiver {
    private let limits: LinkLimits
    /// All frames up to this number have come, and octets of entries in them.
    private(set) var acknowledged: UInt64 = 0
    private var octets: UInt64 = 0
    /// The beginning of a message that goes on.
    private var partial: ByteBuffer?

    private var acknowledgementDue: NIODeadline?
    private var octetsSince = 0
    private(set) var isGap = false
    private var gapToldAt: NIODeadline?

    enum Refusal: Error, Equatable, Sendable { case malformed }

    init(_ limits: LinkLimits) { self.limits = limits }

    /// Octets that the sender may send in all.
    var credit: UInt64 { octets + UInt64(max(limits.window, LinkLimits.initialWindow)) }

    /// Takes a frame with messages.
    ///
    /// - Throws: if the frame is the next one and cannot be read, or has a message over the bound. Nothing of it came out then.
    mutating func receive(
        _ number: UInt64,
        _ entries: ByteBuffer,
        _ now: NIODeadline,
        _ counters: inout LinkCounters,
        deliver: (ByteBuffer) -> Void
    ) throws(Refusal) {
        guard number == acknowledged + 1 else {
            if number <= acknowledged {
                counters.duplicates += 1
                acknowledgementDue = now
            } else {
                counters.gaps += 1
                tellGap(now)
            }
            return
        }
        try check(entries)
        acknowledged = number
        octets += UInt64(entries.readableBytes)
        octetsSince += entries.readableBytes
        isGap = false
        gapToldAt = nil
        counters.framesReceived += 1
        counters.octetsReceived += LinkHead.size + entries.readableBytes
        let due = octetsSince >= limits.window / 4 ? now : now + limits.acknowledgementDelay
        acknowledgementDue = min(acknowledgementDue ?? due, due)
        var rest = entries
        while let (part, goesOn) = Self.next(of: &rest) {
            guard let message = assemble(part, goesOn) else { continue }
            counters.messagesReceived += 1
            deliver(message)
        }
    }

    /// The gap is told once for each frame that is missing, and again after a while.
    private mutating func tellGap(_ now: NIODeadline) {
        if let gapToldAt, now - gapToldAt < limits.acknowledgementDelay { return }
        gapToldAt = now
        isGap = true
        acknowledgementDue = now
    }

    /// The connection is another one: what was on the way is lost, and the sender may not know.
    mutating func reconnected(_ now: NIODeadline) {
        isGap = true
        acknowledgementDue = now
    }

    /// An acknowledgement is asked for.
    mutating func ask(_ now: NIODeadline) { acknowledgementDue = min(acknowledgementDue ?? now, now) }

    /// An acknowledgement may wait as long as any.
    mutating func askLater(_ now: NIODeadline) {
        let due = now + limits.acknowledgementDelay
        acknowledgementDue = min(acknowledgementDue ?? due, due)
    }

    /// When an acknowledgement has to leave, with messages or without.
    var nextDeadline: NIODeadline? { acknowledgementDue }

    mutating func acknowledgementLeaves() {
        acknowledgementDue = nil
        octetsSince = 0
        isGap = false
    }

    // MARK: Entries

    private static func next(of entries: inout ByteBuffer) -> (part: ByteBuffer, goesOn: Bool)? {
        guard let head: UInt32 = entries.readInteger(),
            let part = entries.readSlice(length: Int(head & ~LinkEntry.goesOn))
        else { return nil }
        return (part, head & LinkEntry.goesOn != 0)
    }

    private func check(_ entries: ByteBuffer) throws(Refusal) {
        var rest = entries
        guard rest.readableBytes > 0 else { throw .malformed }
        var size = partial?.readableBytes ?? 0
        while rest.readableBytes > 0 {
            guard let (part, goesOn) = Self.next(of: &rest) else { throw .malformed }
            size += part.readableBytes
            guard size <= limits.maximumMessage, !goesOn || part.readableBytes > 0 else { throw .malformed }
            if !goesOn { size = 0 }
        }
    }

    private mutating func assemble(_ part: ByteBuffer, _ goesOn: Bool) -> ByteBuffer? {
        guard goesOn || partial != nil else { return part }
        var message = partial ?? ByteBuffer()
        partial = nil
        message.writeImmutableBuffer(part)
        guard goesOn else { return message }
        partial = message
        return nil
    }
}
