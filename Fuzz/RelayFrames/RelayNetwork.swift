import QUICTransport

/// Three nodes, and beside each what a simple model says that its relay has to do.
struct RelayNetwork {
    typealias Disagreement = RelayFramesOracle.Disagreement

    static let ring = KeyRing(secret: Array(repeating: 7, count: 32))
    private static let lifetime: UInt64 = 64
    private static let capacity = 3
    private static let unansweredCapacity = 2

    private struct Node {
        let member: RelayMember
        let key: RelayKey
        var receiver: RelayReceiver
        var gate: RelayGate
        /// Counters of frames that were taken, by sender and its worker.
        var taken: [[Int]: Set<UInt64>] = [:]
        /// Owners and clients of forwarded datagrams with their instants, the oldest first: those that the owner has not answered,
        /// and those that it has.
        var unanswered: [Recent] = []
        var answered: [Recent] = []
        var members: Set<Int> = [0, 1, 2]
    }

    private struct Recent {
        let owner: RelayNode
        let listener: UInt8
        let client: RelayAddress
        var seen: UInt64

        func names(_ owner: RelayNode, _ listener: UInt8, _ client: RelayAddress) -> Bool {
            self.owner == owner && self.listener == listener && self.client == client
        }
    }

    private struct Frame {
        let octets: [UInt8]
        let head: RelayFrame
    }

    private var nodes: [Node] = []
    private var frames: [Frame] = []
    private var now: UInt64 = 1

    init() throws(Disagreement) {
        var limits = RelayLimits()
        limits.addresses = Self.capacity
        limits.unansweredAddresses = Self.unansweredCapacity
        limits.unansweredBurst = 1 << 40
        limits.addressLifetime = .nanoseconds(Int64(Self.lifetime))
        let members = (0..<3).map { number in
            RelayMember(
                RelayNode(number: number, incarnation: 5),
                bootSalt: Array(repeating: UInt8(number), count: RelayMember.saltCount)
            )
        }
        for member in members {
            guard let gate = try? RelayGate(member, worker: 1, Self.ring, limits: limits) else {
                throw Disagreement(reason: "no relay can be made")
            }
            var receiver = RelayReceiver(member.node, Self.ring)
            receiver.update(members: members)
            self.nodes.append(
                Node(member: member, key: RelayKey(of: member, Self.ring), receiver: receiver, gate: gate)
            )
        }
    }

    mutating func step(_ code: UInt8, _ rest: inout ArraySlice<UInt8>) throws(Disagreement) {
        func octet() -> Int { rest.popFirst().map { Int($0) } ?? 0 }
        switch code % 8 {
        case 0: self.send(.forward, from: octet() % 3, to: octet() % 3, client: octet(), count: octet())
        case 1: self.send(.answer, from: octet() % 3, to: octet() % 3, client: octet(), count: octet())
        case 2:
            guard let frame = self.frame(octet()) else { return }
            try self.deliver(frame, to: octet() % 3)
        case 3:
            guard let frame = self.frame(octet()) else { return }
            let (node, bit) = (octet() % 3, octet() << 8 | octet())
            var octets = frame.octets
            octets[bit / 8 % octets.count] ^= 1 << UInt8(bit % 8)
            guard Outcome(&self.nodes[node].receiver, octets).head == nil else {
                throw Disagreement(reason: "a frame with a changed bit is taken")
            }
        case 4:
            // A member that says anything at all, under its own key.
            let (from, to) = (octet() % 3, octet() % 3)
            var octets = Array(rest.prefix(RelayFrame.overhead + 4))
            rest = rest.dropFirst(octets.count)
            while octets.count <= RelayFrame.overhead { octets.append(0x40) }
            octets.withUnsafeMutableBytes { self.nodes[from].key.seal($0) }
            let read = try? RelayFrame.read(octets).get()
            guard let head = read else {
                guard Outcome(&self.nodes[to].receiver, octets).head == nil else {
                    throw Disagreement(reason: "a frame without a head is taken")
                }
                return
            }
            let isForged = head.sender != self.nodes[from].member.node || head.rotation != 0
            try self.deliver(Frame(octets: octets, head: head), to: to, isForged: isForged)
        case 5: self.now += UInt64(octet())
        case 6: self.send(.beat, from: octet() % 3, to: octet() % 3, client: octet(), count: 0)
        default:
            let (node, other) = (octet() % 3, octet() % 3)
            self.nodes[node].members.formSymmetricDifference([other])
            let members = self.nodes[node].members.sorted().map { self.nodes[$0].member }
            self.nodes[node].receiver.update(members: members)
        }
    }

    private func frame(_ index: Int) -> Frame? { self.frames.isEmpty ? nil : self.frames[index % self.frames.count] }

    private func client(_ number: Int) -> RelayAddress {
        RelayAddress(high: number & 4 == 0 ? 0 : 1, low: 0xffff_0a00_0001, port: UInt16(number % 4))
    }

    private mutating func send(_ kind: RelayFrame.Kind, from: Int, to: Int, client number: Int, count: Int) {
        let (client, receiver) = (self.client(number), self.nodes[to].member.node)
        let listener = UInt8(number >> 6)
        var octets = Array(repeating: UInt8(0x40), count: RelayFrame.overhead + (kind == .beat ? 1 : count))
        let now = self.now
        let isSent: Void? = try? octets.withUnsafeMutableBytes { frame in
            switch kind {
            case .forward:
                try self.nodes[from].gate.forward(
                    frame,
                    to: receiver,
                    listener: listener,
                    from: client,
                    at: client,
                    ecn: UInt8(number & 3),
                    cameByRelay: number & 8 != 0,
                    now: now
                )
            case .answer:
                try self.nodes[from].gate.answer(
                    frame,
                    to: RelayIngress(node: receiver, worker: UInt8(number % 32), listener: listener),
                    client: client,
                    ecn: 0,
                    segmentSize: UInt16(number & 16)
                )
            case .beat:
                try self.nodes[from].gate.beat(frame, to: receiver, hears: number & 1 == 1)
            }
        }
        let head = try? RelayFrame.read(octets).get()
        guard isSent != nil, let head else { return }
        self.frames.append(Frame(octets: octets, head: head))
        guard kind == .forward else { return }
        let known = self.nodes[from].answered.firstIndex { $0.names(receiver, listener, client) }
        let before = known.map { self.nodes[from].answered.remove(at: $0) }
        self.nodes[from].unanswered.removeAll { $0.names(receiver, listener, client) }
        let entry = Recent(owner: receiver, listener: listener, client: client, seen: now)
        if let before, !Self.isOver(before.seen, now) {
            Self.append(entry, to: &self.nodes[from].answered, Self.capacity, now)
        } else {
            Self.append(entry, to: &self.nodes[from].unanswered, Self.unansweredCapacity, now)
        }
    }

    private static func append(_ entry: Recent, to list: inout [Recent], _ capacity: Int, _ now: UInt64) {
        while let oldest = list.first, Self.isOver(oldest.seen, now) { list.removeFirst() }
        if list.count == capacity { list.removeFirst() }
        list.append(entry)
    }

    private static func isOver(_ seen: UInt64, _ now: UInt64) -> Bool { now - seen >= self.lifetime }

    // MARK: What has to come of a frame

    private mutating func deliver(_ frame: Frame, to node: Int, isForged: Bool = false) throws(Disagreement) {
        let expected = self.refusal(of: frame.head, at: node, isForged: isForged)
        let outcome = Outcome(&self.nodes[node].receiver, frame.octets)
        guard outcome.refusal == expected else {
            throw Disagreement(
                reason:
                    "a frame is \(outcome.refusal.map { "\($0)" } ?? "taken"), not \(expected.map { "\($0)" } ?? "taken")"
            )
        }
        let isTaken = expected == nil || expected == .unanswerable
        if isTaken { self.nodes[node].taken[Self.source(frame.head), default: []].insert(Self.counter(frame.head)) }
        guard let head = outcome.head else { return }
        let now = self.now
        let isAsked = { (recent: Recent) in
            head.kind == .answer && recent.names(head.sender, head.listener, head.client)
                && !Self.isOver(recent.seen, now)
        }
        let first = self.nodes[node].unanswered.firstIndex(where: isAsked)
        let mayLeave = first != nil || self.nodes[node].answered.contains(where: isAsked)
        if let first {
            let entry = self.nodes[node].unanswered.remove(at: first)
            Self.append(entry, to: &self.nodes[node].answered, Self.capacity, now)
        }
        let local = try? self.nodes[node].gate.release(head, now: now)
        guard (local == head.client) == mayLeave else {
            throw Disagreement(reason: mayLeave ? "an answer is kept in" : "an answer goes out that nobody asked for")
        }
    }

    private static func source(_ head: RelayFrame) -> [Int] { [Int(head.sender.number), Int(head.number >> 56)] }
    private static func counter(_ head: RelayFrame) -> UInt64 { head.number & (1 << 56 - 1) }

    private func refusal(of head: RelayFrame, at node: Int, isForged: Bool) -> RelayRefusal? {
        let own = self.nodes[node].member.node
        if head.sender.number == own.number { return .reflected }
        if head.receiver.number != own.number { return .misaddressed }
        if head.receiver != own { return .otherRun }
        guard self.nodes[node].members.contains(Int(head.sender.number)) else { return .stranger }
        let known = self.nodes[Int(head.sender.number)].member.node
        if head.sender != known {
            return (1..<0x8000).contains(known.incarnation &- head.sender.incarnation) ? .superseded : .stranger
        }
        if head.rotation != 0 { return .unknownKey }
        let taken = self.nodes[node].taken[Self.source(head), default: []]
        let counter = Self.counter(head)
        if let highest = taken.max(), counter <= highest, highest - counter >= ReplayWindow.width {
            return .outOfWindow
        }
        if taken.contains(counter) { return .replayed }
        if isForged { return .forged }
        if head.kind == .beat { return nil }
        let isNowhere = head.client.port == 0 || self.isGroupOrNothing(head.client)
        return isNowhere ? .unanswerable : nil
    }

    private func isGroupOrNothing(_ address: RelayAddress) -> Bool {
        guard address.isIPv4 else { return address.high >> 56 == 0xff || address.high == 0 && address.low == 0 }
        let host = UInt32(truncatingIfNeeded: address.low)
        return host >> 28 == 0xe || host == .max || host == 0
    }
}
