import DequeModule
import NIOCore

/// The sending side of a link, without IO: messages become frames as they come, and frames are held until they are acknowledged. What is
/// missing at the other end is sent again from there on (go-back-N).
struct LinkSender {
    private struct Frame {
        var octets: ByteBuffer
        /// Octets of entries up to its end, since the epoch began.
        let end: UInt64
        let messages: Int
    }

    private let limits: LinkLimits
    /// Frames that are not acknowledged, in order; the first `sent` of them were sent.
    private var frames = Deque<Frame>()
    private var first: UInt64 = 1
    private var sent = 0
    /// The next of the sent frames to be sent again; `sent` if none is. At most `burst` are, and more with each acknowledgement.
    private var again = 0
    private var burst = 0
    private var growth = 1

    /// The frame that messages are written into, and how many it has.
    private var building = LinkHead.emptyFrame()
    private var built = 0
    private var buildingMessages = 0
    private var sealed: UInt64 = 0

    private var credit = UInt64(LinkLimits.initialWindow)
    private var timeout: TimeAmount
    private var timeoutAt: NIODeadline?
    private var recoveredAt: (number: UInt64, time: NIODeadline)?
    /// The other end is to be asked for an acknowledgement, and so for credit.
    private(set) var asks = false

    /// Octets that are held.
    private(set) var octetsWaiting = 0
    private(set) var messagesWaiting = 0

    init(_ limits: LinkLimits) {
        self.limits = limits
        timeout = limits.timeout
    }

    /// Octets of entries of a frame at most.
    private var frameRoom: Int { max(limits.maximumFrame - LinkHead.size, LinkEntry.size + 1) }

    // MARK: Messages

    /// Takes a message. The caller has looked at the bounds.
    mutating func send(_ message: ByteBuffer) {
        let whole = LinkEntry.size + message.readableBytes
        if built + whole > frameRoom { seal() }
        buildingMessages += 1
        messagesWaiting += 1
        var rest = message
        while true {
            let length = min(rest.readableBytes, frameRoom - LinkEntry.size)
            let isLast = length == rest.readableBytes
            building.writeInteger(UInt32(truncatingIfNeeded: length) | (isLast ? 0 : LinkEntry.goesOn))
            if let part = rest.readSlice(length: length) { building.writeImmutableBuffer(part) }
            built += LinkEntry.size + length
            octetsWaiting += LinkEntry.size + length
            if isLast { break }
            seal()
        }
    }

    private mutating func seal() {
        guard built > 0 else { return }
        sealed += UInt64(built)
        frames.append(Frame(octets: building, end: sealed, messages: buildingMessages))
        building = LinkHead.emptyFrame(capacity: min(built * 2, limits.maximumFrame))
        (built, buildingMessages) = (0, 0)
    }

    // MARK: Frames

    /// The next frame to be sent, with a head to which its number is added.
    mutating func nextFrame(_ head: LinkHead, _ now: NIODeadline, _ counters: inout LinkCounters) -> ByteBuffer? {
        if again < sent {
            guard burst > 0 else { return nil }
            burst -= 1
            again += 1
            counters.framesRepeated += 1
            // How many more go again depends on the answer.
            var asking = head
            asking.flags.insert(.asks)
            return frame(again - 1, asking)
        }
        if sent == frames.count, built > 0, sealed + UInt64(built) <= credit || built >= frameRoom { seal() }
        guard sent < frames.count, frames[sent].end <= credit else {
            // Without credit nothing is on the way that would be answered.
            if sent == 0, built > 0 || !frames.isEmpty, timeoutAt == nil { timeoutAt = now + timeout }
            return nil
        }
        sent += 1
        again = sent
        if timeoutAt == nil { timeoutAt = now + timeout }
        counters.framesSent += 1
        counters.messagesSent += frames[sent - 1].messages
        counters.octetsSent += frames[sent - 1].octets.readableBytes
        return frame(sent - 1, head)
    }

    /// The head is written in place, so that a frame that is sent for the first time is not copied.
    private mutating func frame(_ index: Int, _ head: LinkHead) -> ByteBuffer {
        var head = head
        head.number = first + UInt64(index)
        head.set(in: &frames[index].octets)
        return frames[index].octets
    }

    /// True if `nextFrame` has one.
    var hasFrame: Bool {
        if again < sent { return burst > 0 }
        if sent < frames.count { return frames[sent].end <= credit }
        return built > 0 && sealed + UInt64(built) <= credit
    }

    /// Takes an acknowledgement of all frames up to a number. Returns false for one of frames that were never sent.
    mutating func acknowledged(
        _ number: UInt64,
        credit: UInt64,
        isGap: Bool,
        _ now: NIODeadline
    ) -> Bool {
        guard number < first + UInt64(sent) else { return false }
        if credit > self.credit {
            self.credit = credit
            if sent == 0 { timeoutAt = nil }
        }
        if number >= first {
            release(Int(number - first) + 1)
            timeout = limits.timeout
            timeoutAt = sent > 0 ? now + timeout : nil
            if again < sent {
                growth = min(growth * 2, Self.largestBurst)
                burst = growth
            }
        }
        if isGap, number + 1 == first { recover(now) }
        return true
    }

    private mutating func release(_ count: Int) {
        for _ in 0..<count {
            guard let frame = frames.popFirst() else { return }
            octetsWaiting -= frame.octets.readableBytes - LinkHead.size
            messagesWaiting -= frame.messages
        }
        first += UInt64(count)
        sent -= count
        again = max(0, again - count)
    }

    /// The other end is there, and lacks the first frame that is not acknowledged.
    private mutating func recover(_ now: NIODeadline) {
        guard sent > 0 else { return }
        if let recoveredAt, recoveredAt.number == first, now - recoveredAt.time < Self.recoveryPause { return }
        recoveredAt = (first, now)
        repeatFrames(burst: 4)
        timeoutAt = now + timeout
    }

    /// The connection is another one: what was on the way is lost.
    mutating func reconnected(_ now: NIODeadline) {
        timeout = limits.timeout
        guard sent > 0 else { return }
        repeatFrames(burst: 4)
        timeoutAt = now + timeout
    }

    private mutating func repeatFrames(burst: Int) {
        again = 0
        self.burst = burst
        growth = burst
    }

    // MARK: Time

    /// When `advance` has something to do.
    var nextDeadline: NIODeadline? { timeoutAt }

    mutating func advance(_ now: NIODeadline, _ counters: inout LinkCounters) {
        guard let timeoutAt, now >= timeoutAt else { return }
        counters.timeouts += 1
        timeout = .nanoseconds(min(timeout.nanoseconds * 2, limits.longestTimeout.nanoseconds))
        self.timeoutAt = sent > 0 || built > 0 || !frames.isEmpty ? now + timeout : nil
        if sent > 0 { repeatFrames(burst: 1) } else { asks = self.timeoutAt != nil }
    }

    mutating func ask() { asks = true }

    mutating func asked() { asks = false }

    private static let largestBurst = 64
    private static let recoveryPause: TimeAmount = .milliseconds(50)
}
