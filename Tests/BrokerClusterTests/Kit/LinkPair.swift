import NIOCore

@testable import BrokerCluster

/// Two ends of a link, and frames between them that a test hands over or loses.
struct LinkPair {
    var one: LinkEnd
    var other: LinkEnd
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    var counters = LinkCounters()
    private(set) var epochs: UInt32 = 2
    /// What came out of each end.
    private(set) var atOne: [String] = []
    private(set) var atOther: [String] = []
    private(set) var resets: [String] = []

    static let addresses = (LinkEnd.Address(node: 1, shard: 0, run: 10), LinkEnd.Address(node: 2, shard: 3, run: 20))

    init(_ change: (inout LinkLimits) -> Void = { _ in }) {
        var limits = LinkLimits()
        change(&limits)
        let (one, other) = Self.addresses
        self.one = LinkEnd(one, other, epoch: 1, limits)
        self.other = LinkEnd(other, one, epoch: 1, limits)
    }

    mutating func send(_ text: String) -> Bool { one.send(ByteBuffer(string: text), &counters) }

    mutating func restartOne() {
        epochs += 1
        one.restart(epoch: epochs, &counters)
    }

    /// All frames that an end has just now.
    mutating func framesOfOne() -> [ByteBuffer] { Self.frames(&one, now, &counters) }
    mutating func framesOfOther() -> [ByteBuffer] { Self.frames(&other, now, &counters) }

    private static func frames(_ end: inout LinkEnd, _ now: NIODeadline, _ counters: inout LinkCounters) -> [ByteBuffer]
    {
        var frames: [ByteBuffer] = []
        while let frame = end.nextFrame(now, &counters) { frames.append(frame) }
        return frames
    }

    mutating func giveOther(_ frames: [ByteBuffer]) {
        for frame in frames {
            if let reason = Self.give(frame, &other, now, &epochs, &counters, &atOther) {
                resets.append("other \(reason)")
            }
        }
    }

    mutating func giveOne(_ frames: [ByteBuffer]) {
        for frame in frames {
            if let reason = Self.give(frame, &one, now, &epochs, &counters, &atOne) { resets.append("one \(reason)") }
        }
    }

    private static func give(
        _ frame: ByteBuffer,
        _ end: inout LinkEnd,
        _ now: NIODeadline,
        _ epochs: inout UInt32,
        _ counters: inout LinkCounters,
        _ messages: inout [String]
    ) -> LinkReset? {
        var entries = frame
        guard let head = LinkHead(reading: &entries) else { return .malformed("head") }
        var told: LinkReset?
        for _ in 1...2 {
            let reset = end.receive(head, entries, now, epochs: &epochs, &counters) {
                messages.append(String(buffer: $0))
            }
            told = told ?? reset
            guard reset == .byOtherSide else { break }
        }
        return told
    }

    /// Lets both ends talk until neither has anything.
    mutating func settle() {
        for _ in 0..<1_000 {
            let frames = framesOfOne()
            giveOther(frames)
            let answers = framesOfOther()
            giveOne(answers)
            if frames.isEmpty, answers.isEmpty { return }
        }
    }

    mutating func wait(_ time: TimeAmount) {
        now = now + time
        one.advance(now, &counters)
        other.advance(now, &counters)
    }
}
