import BrokerCluster
import NIOCore

/// Two ends of a link and the frames between them, moved by octets.
struct FuzzedLink {
    private typealias Disagreement = ClusterFramesOracle.Disagreement

    private var ends: [LinkEnd]
    private var wire: [[ByteBuffer]] = [[], []]
    private var counters = LinkCounters()
    private var epochs: UInt32 = 1
    private var now = NIODeadline.uptimeNanoseconds(1_000)
    /// The next number that each side sends, the first one that has to come to the other side, and the last one that came.
    private var next: [UInt64] = [1, 1]
    private var least: [UInt64] = [1, 1]
    private var last: [UInt64] = [0, 0]
    /// A frame was changed on the way: then anything may come.
    private var isChanged = false

    private static let mostFrames = 64

    init(_ limits: LinkLimits, _ addresses: (LinkEnd.Address, LinkEnd.Address)) {
        ends = [
            LinkEnd(addresses.0, addresses.1, epoch: 1, limits), LinkEnd(addresses.1, addresses.0, epoch: 1, limits),
        ]
    }

    mutating func step(_ code: UInt8, _ rest: inout ByteBuffer) throws(ClusterFramesOracle.Disagreement) {
        let side = Int(code & 1)
        switch (code >> 1) & 7 {
        case 0, 1: send(side, size: Int(code >> 4) * 40)
        case 2: flush(side)
        case 3: try deliver(side, at: 0)
        case 4: try deliver(side, at: Int(code >> 4))
        case 5: if !wire[side].isEmpty { wire[side].removeFirst() }
        case 6:
            now = now + .milliseconds(Int64(code >> 4) * 50)
            for side in 0...1 { ends[side].advance(now, &counters) }
        default: try change(side, code >> 4, &rest)
        }
    }

    private mutating func change(_ side: Int, _ how: UInt8, _ rest: inout ByteBuffer) throws(Disagreement) {
        switch how {
        case 0: ends[side].reconnected(now)
        case 1: restart(side)
        case 2: if let first = wire[side].first, wire[side].count < Self.mostFrames { wire[side].append(first) }
        default:
            guard !wire[side].isEmpty, let (index, octet) = rest.readMultipleIntegers(as: (UInt8, UInt8).self) else {
                return
            }
            let place = Int(index) % max(wire[side][0].readableBytes, 1)
            wire[side][0].setInteger(octet, at: wire[side][0].readerIndex + place)
            isChanged = true
            try deliver(side, at: 0)
        }
    }

    private mutating func send(_ side: Int, size: Int) {
        var message = ByteBuffer(integer: next[side])
        message.writeRepeatingByte(0, count: min(size, 480))
        next[side] += 1
        _ = ends[side].send(message, &counters)
        if ends[side].isBroken { restart(side) }
    }

    private mutating func restart(_ side: Int) {
        epochs += 1
        ends[side].restart(epoch: epochs, &counters)
        least[side] = next[side]
    }

    private mutating func flush(_ side: Int) {
        while wire[side].count < Self.mostFrames, let frame = ends[side].nextFrame(now, &counters) {
            wire[side].append(frame)
        }
    }

    private mutating func deliver(_ side: Int, at index: Int) throws(Disagreement) {
        guard index < wire[side].count else { return }
        var entries = wire[side].remove(at: index)
        guard let head = LinkHead(reading: &entries) else { return }
        for _ in 1...2 {
            var numbers: [UInt64] = []
            let reset = ends[1 - side].receive(head, entries, now, epochs: &epochs, &counters) { message in
                numbers.append(message.getInteger(at: message.readerIndex) ?? 0)
            }
            for number in numbers where !isChanged {
                guard number > last[side], number < next[side] else {
                    throw Disagreement(reason: "a message comes twice, out of order or from nowhere")
                }
                guard number == last[side] + 1 || number <= least[side] else {
                    throw Disagreement(reason: "a message is missing")
                }
                last[side] = number
            }
            if reset != nil { least[1 - side] = next[1 - side] }
            guard reset == .byOtherSide else { return }
        }
    }

    /// Lets everything come, and holds that it does.
    mutating func settle() throws(ClusterFramesOracle.Disagreement) {
        guard !isChanged else { return }
        for _ in 0..<400 {
            for side in 0...1 {
                flush(side)
                while !wire[side].isEmpty { try deliver(side, at: 0) }
            }
            if ends.allSatisfy({ $0.octetsWaiting == 0 }) { break }
            now = now + .milliseconds(100)
            for side in 0...1 { ends[side].advance(now, &counters) }
        }
        for side in 0...1 {
            guard ends[side].octetsWaiting == 0 else { throw Disagreement(reason: "octets wait without end") }
            guard last[side] + 1 == next[side] || least[side] == next[side] else {
                throw Disagreement(reason: "messages do not come")
            }
        }
    }
}
