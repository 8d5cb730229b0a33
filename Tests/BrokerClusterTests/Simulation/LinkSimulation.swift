import NIOCore

@testable import BrokerCluster

/// Two ends of a link with a network between them that loses, doubles, delays and reorders, in virtual time.
struct LinkSimulation {
    /// What goes wrong on purpose; the simulation has to find each.
    enum Fault: CaseIterable {
        /// Something on the way acknowledges more than what came.
        case forgedAcknowledgement
        /// A frame comes with the octets of another one.
        case mixedFrames
    }

    private enum Event {
        case frame(to: Int, ByteBuffer)
        case act(Int)
        case tick
        case weather
    }

    /// One shard: its end, what it has sent and what came.
    private struct Side {
        var end: LinkEnd
        /// The number of the next message, and the first one that has to come.
        var next: UInt64 = 0
        var least: UInt64 = 0
        var isHeldBack = false
        /// Numbers of messages that came.
        var came: [UInt64] = []
        var damaged = 0
    }

    private var sides: [Side]
    private var counters = [LinkCounters(), LinkCounters()]
    private var queue = EventQueue<Event>()
    private var random: SeededGenerator
    private let fault: Fault?
    private let limits: LinkLimits
    private let mayRestart: Bool
    private let end: NIODeadline
    private var epochs: UInt32 = 1
    private var isCalm = false
    private var cutUntil = NIODeadline.uptimeNanoseconds(0)
    private var lossOneIn = 10
    private(set) var mostOctets = 0
    private var lastFrame: [ByteBuffer] = [ByteBuffer(), ByteBuffer()]

    private static let storm: TimeAmount = .seconds(10)
    private static let calm: TimeAmount = .seconds(15)

    /// - Parameter mayRestart: true if ends begin anew now and then, as after an overflow.
    init(seed: UInt64, mayRestart: Bool, fault: Fault? = nil) {
        random = SeededGenerator(seed: seed)
        self.fault = fault
        self.mayRestart = mayRestart
        var limits = LinkLimits()
        limits.maximumFrame = Int.random(in: 400...8_000, using: &random)
        limits.maximumMessage = 60_000
        limits.maximumOctets = 200_000
        limits.hardMaximumOctets = 400_000
        limits.window = Int.random(in: 2_000...2_000_000, using: &random)
        self.limits = limits
        let (one, other) = LinkPair.addresses
        sides = [
            Side(end: LinkEnd(one, other, epoch: 1, limits)), Side(end: LinkEnd(other, one, epoch: 1, limits)),
        ]
        end = queue.now + Self.storm
        queue.add(.act(0), after: .zero)
        queue.add(.act(1), after: .zero)
        queue.add(.tick, after: .zero)
        queue.add(.weather, after: .seconds(1))
    }

    mutating func run() {
        while let event = queue.next(until: end) { handle(event) }
        isCalm = true
        cutUntil = queue.now
        while let event = queue.next(until: end + Self.calm) { handle(event) }
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .frame(let side, let octets): receive(octets, side)
        case .act(let side): act(side)
        case .tick:
            // Time passes in steps, as a loop's timers do.
            for side in 0...1 {
                if let deadline = sides[side].end.nextDeadline, deadline <= queue.now {
                    sides[side].end.advance(queue.now, &counters[side])
                }
                flush(side)
            }
            queue.add(.tick, after: .milliseconds(10))
        case .weather where isCalm: break
        case .weather:
            lossOneIn = Int.random(in: 2...40, using: &random)
            if random.once(in: 3) {
                cutUntil = queue.now + .milliseconds(Int64.random(in: 10...4_000, using: &random))
                let side = Int.random(in: 0...1, using: &random)
                sides[side].end.reconnected(queue.now)
            }
            queue.add(.weather, after: .milliseconds(Int64.random(in: 100...2_000, using: &random)))
        }
    }

    // MARK: Owners

    private mutating func act(_ side: Int) {
        guard !isCalm else { return }
        queue.add(.act(side), after: .milliseconds(Int64.random(in: 0...150, using: &random)))
        if mayRestart, random.once(in: 150) { restart(side) }
        for _ in 0..<Int.random(in: 0...20, using: &random) where !sides[side].isHeldBack {
            let padding =
                random.once(in: 40)
                ? Int.random(in: 0...20_000, using: &random) : Int.random(in: 0...200, using: &random)
            var message = ByteBuffer(integer: sides[side].next)
            message.writeInteger(UInt32(padding))
            message.writeRepeatingByte(UInt8(truncatingIfNeeded: sides[side].next), count: padding)
            sides[side].next += 1
            sides[side].isHeldBack = !sides[side].end.send(message, &counters[side])
        }
        mostOctets = max(mostOctets, sides[side].end.octetsWaiting)
    }

    private mutating func restart(_ side: Int) {
        epochs += 1
        sides[side].end.restart(epoch: epochs, &counters[side])
        begunAnew(side)
    }

    /// What was handed over before may be lost.
    private mutating func begunAnew(_ side: Int) {
        sides[side].least = sides[side].next
        sides[side].isHeldBack = false
    }

    // MARK: The network

    private mutating func flush(_ side: Int) {
        while let frame = sides[side].end.nextFrame(queue.now, &counters[side]) {
            var frame = frame
            if fault == .forgedAcknowledgement, random.once(in: 20) { forge(&frame, side) }
            if fault == .mixedFrames, random.once(in: 20) { mix(&frame, side) }
            lastFrame[side] = frame
            guard isCalm || (queue.now >= cutUntil && !random.once(in: lossOneIn)) else { continue }
            let copies = !isCalm && random.once(in: 20) ? 2 : 1
            for _ in 0..<copies {
                let delay = !isCalm && random.once(in: 10) ? 2_000_000 : 20_000
                queue.add(
                    .frame(to: 1 - side, frame),
                    after: .microseconds(Int64.random(in: 100...Int64(delay), using: &random))
                )
            }
        }
    }

    private mutating func forge(_ frame: inout ByteBuffer, _ side: Int) {
        guard let acknowledged: UInt64 = frame.getInteger(at: 36) else { return }
        frame.setInteger(acknowledged + 1, at: 36)
    }

    private mutating func mix(_ frame: inout ByteBuffer, _ side: Int) {
        guard lastFrame[side].readableBytes > LinkHead.size, frame.readableBytes > LinkHead.size,
            let head = frame.getSlice(at: 0, length: LinkHead.size)
        else { return }
        frame = lastFrame[side]
        frame.setBuffer(head, at: 0)
    }

    private mutating func receive(_ frame: ByteBuffer, _ side: Int) {
        var entries = frame
        guard let head = LinkHead(reading: &entries) else { return sides[side].damaged += 1 }
        for _ in 1...2 {
            var messages: [ByteBuffer] = []
            let reset = sides[side].end.receive(
                head,
                entries,
                queue.now,
                epochs: &epochs,
                &counters[side]
            ) { messages.append($0) }
            for message in messages { came(message, side) }
            if reset != nil { begunAnew(side) }
            guard reset == .byOtherSide else { break }
        }
        if sides[side].end.takeRoom() { sides[side].isHeldBack = false }
        flush(side)
    }

    private mutating func came(_ message: ByteBuffer, _ side: Int) {
        var rest = message
        guard let number: UInt64 = rest.readInteger(), let padding: UInt32 = rest.readInteger(),
            rest.readableBytes == Int(padding),
            rest == ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: Int(padding))
        else { return sides[side].damaged += 1 }
        sides[side].came.append(number)
    }

    // MARK: What must not be

    var messagesThatCame: Int { sides.reduce(0) { $0 + $1.came.count } }
    var resets: Int { counters.reduce(0) { $0 + $1.resets } }

    func findings() -> [String] {
        var findings: [String] = []
        for side in 0...1 {
            let (came, sender) = (sides[side].came, sides[1 - side])
            if zip(came, came.dropFirst()).contains(where: { $0 >= $1 }) {
                findings.append("messages come twice or out of order")
            }
            if !came.suffix(Int(sender.next - sender.least)).elementsEqual(sender.least..<sender.next) {
                findings.append("messages \(sender.least) to \(sender.next) do not all come")
            }
            if !mayRestart, came.count != Int(sender.next) {
                findings.append("\(came.count) of \(sender.next) messages come")
            }
            if !mayRestart, counters[side].resets > 0 { findings.append("an end begins anew without a reason") }
            if sides[side].damaged > 0 { findings.append("messages are not what was sent") }
            if sides[side].end.octetsWaiting > 0 { findings.append("octets wait without end") }
        }
        if mostOctets > limits.maximumOctets + limits.maximumMessage + 8 {
            findings.append("\(mostOctets) octets are held")
        }
        return findings
    }
}
