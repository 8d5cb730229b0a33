package import NIOCore

/// One end of a link, without IO: a sender, a receiver, and which time of the link it is. An end that begins anew has a higher epoch; the
/// other end sees that, and begins anew as well, so that no frame of an earlier time is taken for one of a later.
package struct LinkEnd {
    /// This shard and the other one.
    package struct Address: Sendable, Equatable {
        package let node: Int
        package let shard: Int
        package let run: UInt64

        package init(node: Int, shard: Int, run: UInt64) {
            self.node = node
            self.shard = shard
            self.run = run
        }
    }

    package let own: Address
    package let other: Address
    private let limits: LinkLimits
    private var epoch: UInt32
    /// The other end's epoch; 0 while nothing was heard of it since this end began.
    package private(set) var otherEpoch: UInt32 = 0
    /// The other end's epochs below are over.
    private let leastOtherEpoch: UInt32
    private var sender: LinkSender
    private var receiver: LinkReceiver
    /// `send` has returned false, and the owner waits for room.
    private var isFull = false
    /// More waited than may: nothing is taken until the end begins anew.
    package private(set) var isBroken = false

    /// - Parameters:
    ///   - epoch: higher than that of each earlier end of the own shard.
    ///   - after: the other end's epoch as the end before knew it; 0 if there was none.
    package init(_ own: Address, _ other: Address, epoch: UInt32, after: UInt32 = 0, _ limits: LinkLimits) {
        self.own = own
        self.other = other
        self.epoch = epoch
        leastOtherEpoch = after + 1
        self.limits = limits
        sender = LinkSender(limits)
        receiver = LinkReceiver(limits)
    }

    package var octetsWaiting: Int { sender.octetsWaiting }

    /// The other end's newest epoch that was ever heard of.
    package var newestOtherEpoch: UInt32 { max(otherEpoch, leastOtherEpoch - 1) }

    // MARK: Sending

    /// Takes a message. False if the owner should hold back, or the message is not taken.
    package mutating func send(_ message: ByteBuffer, _ counters: inout LinkCounters) -> Bool {
        guard !isBroken, message.readableBytes <= limits.maximumMessage else {
            counters.dropped += 1
            return false
        }
        guard sender.octetsWaiting + message.readableBytes <= limits.hardMaximumOctets else {
            counters.dropped += sender.messagesWaiting + 1
            sender = LinkSender(limits)
            isBroken = true
            return false
        }
        sender.send(message)
        if sender.octetsWaiting > limits.maximumOctets { isFull = true }
        return !isFull
    }

    /// True once after `send` returned false, when half of what may wait is free.
    package mutating func takeRoom() -> Bool {
        guard isFull, !isBroken, sender.octetsWaiting <= limits.maximumOctets / 2 else { return false }
        isFull = false
        return true
    }

    /// Begins anew, with a higher epoch than ever before. What waited is dropped.
    package mutating func restart(epoch: UInt32, _ counters: inout LinkCounters) {
        restart(epoch: epoch, after: newestOtherEpoch, &counters)
    }

    private mutating func restart(epoch: UInt32, after: UInt32, _ counters: inout LinkCounters) {
        counters.dropped += sender.messagesWaiting
        counters.resets += 1
        self = LinkEnd(own, other, epoch: epoch, after: after, limits)
        // So that the other end hears of the new epoch.
        sender.ask()
    }

    /// The next frame to be sent: messages, or an acknowledgement that is due.
    package mutating func nextFrame(_ now: NIODeadline, _ counters: inout LinkCounters) -> ByteBuffer? {
        guard !isBroken else { return nil }
        let head = head
        if let frame = sender.nextFrame(head, now, &counters) {
            receiver.acknowledgementLeaves()
            return frame
        }
        guard sender.asks || receiver.nextDeadline.map({ $0 <= now }) ?? false else { return nil }
        var frame = LinkHead.emptyFrame()
        head.set(in: &frame)
        receiver.acknowledgementLeaves()
        sender.asked()
        counters.acknowledgementsSent += 1
        return frame
    }

    /// Of a frame without messages.
    private var head: LinkHead {
        var flags: LinkHead.Flags = []
        if receiver.isGap { flags.insert(.gap) }
        if sender.asks { flags.insert(.asks) }
        let isOver = otherEpoch == 0 && leastOtherEpoch > 1
        if isOver { flags.insert(.over) }
        return LinkHead(
            node: own.node,
            shard: own.shard,
            run: own.run,
            receiverRun: other.run,
            epoch: epoch,
            otherEpoch: isOver ? leastOtherEpoch - 1 : otherEpoch,
            number: 0,
            acknowledged: receiver.acknowledged,
            credit: receiver.credit,
            flags: flags
        )
    }

    // MARK: Receiving

    /// Takes a frame of the other end, whose head was read and is for this link.
    ///
    /// - Parameter epochs: the highest epoch that was ever given out, for an end that has to begin anew.
    /// - Returns: why this end began anew, if it did. After `byOtherSide` the owner is to be told, and the same frame to be received again.
    package mutating func receive(
        _ head: LinkHead,
        _ entries: ByteBuffer,
        _ now: NIODeadline,
        epochs: inout UInt32,
        _ counters: inout LinkCounters,
        deliver: (ByteBuffer) -> Void
    ) -> LinkReset? {
        guard !isBroken else { return nil }
        // Of a time that the other end has begun anew since; or it has not heard of this end yet.
        let isOver = head.flags.contains(.over)
        let isKnown = head.otherEpoch == epoch || head.otherEpoch == 0 || isOver && head.otherEpoch < epoch
        // Both ends have begun anew since each heard of the other: one of them does so once more, having heard of the other's epoch.
        let isCrossed =
            head.otherEpoch > 0 && head.otherEpoch < epoch && otherEpoch > 0 && head.epoch > otherEpoch
            && own.node < other.node
        guard isKnown || isCrossed, head.epoch >= max(otherEpoch, leastOtherEpoch) else {
            counters.strangers += 1
            // The other end may not have heard of this end's epoch.
            receiver.askLater(now)
            return nil
        }
        if head.epoch > otherEpoch && otherEpoch > 0 || isOver && head.otherEpoch == epoch {
            if head.otherEpoch == epoch, !isOver {
                // It has begun anew since it heard of this epoch, which goes on: otherwise both would begin anew for ever.
                receiver = LinkReceiver(limits)
            } else {
                begin(anew: &epochs, after: head.epoch - 1, &counters)
            }
            otherEpoch = head.epoch
            receiver.ask(now)
            return .byOtherSide
        }
        otherEpoch = head.epoch
        if head.otherEpoch == epoch {
            let isGap = head.flags.contains(.gap)
            guard sender.acknowledged(head.acknowledged, credit: head.credit, isGap: isGap, now) else {
                return refuse("a frame is acknowledged that was never sent", &epochs, &counters)
            }
        }
        if head.flags.contains(.asks) { receiver.ask(now) }
        guard head.number > 0 else { return nil }
        do throws(LinkReceiver.Refusal) {
            try receiver.receive(head.number, entries, now, &counters, deliver: deliver)
            return nil
        } catch {
            return refuse("the messages of a frame cannot be read", &epochs, &counters)
        }
    }

    private mutating func refuse(_ detail: String, _ epochs: inout UInt32, _ counters: inout LinkCounters) -> LinkReset
    {
        counters.malformed += 1
        begin(anew: &epochs, &counters)
        return .malformed(detail)
    }

    /// - Parameter after: the other end's epoch up to which all are over.
    private mutating func begin(anew epochs: inout UInt32, after: UInt32? = nil, _ counters: inout LinkCounters) {
        epochs += 1
        restart(epoch: epochs, after: after ?? newestOtherEpoch, &counters)
    }

    // MARK: Time and connection

    /// The connection to NATS is another one: what was on the way in either direction is lost.
    package mutating func reconnected(_ now: NIODeadline) {
        sender.reconnected(now)
        if otherEpoch > 0 { receiver.reconnected(now) }
    }

    /// True if `nextFrame` has one.
    package func hasFrame(_ now: NIODeadline) -> Bool {
        !isBroken && (sender.hasFrame || sender.asks || receiver.nextDeadline.map { $0 <= now } ?? false)
    }

    /// When `advance` has something to do; `nil` for an end with nothing under way.
    package var nextDeadline: NIODeadline? {
        switch (sender.nextDeadline, receiver.nextDeadline) {
        case (let one?, let other?): min(one, other)
        case (let one, let other): one ?? other
        }
    }

    package mutating func advance(_ now: NIODeadline, _ counters: inout LinkCounters) {
        guard !isBroken else { return }
        sender.advance(now, &counters)
    }
}
