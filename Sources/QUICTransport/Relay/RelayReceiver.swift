/// The side of the relay that takes frames: it tells those of members, each once, from all others.
///
/// A node has one, since two would each take a replayed frame once.
package struct RelayReceiver {
    package private(set) var counters = RelayCounters()

    private let own: RelayNode
    private let limits: RelayLimits
    private var ring: KeyRing
    private let pool = ExpandedKeys()
    /// By the number of the node.
    private var senders: [UInt16: Sender] = [:]
    /// How many members have left.
    private var departures = 0

    /// A run of a node that is a member, or was one.
    private struct Sender {
        let member: RelayMember
        /// By codepoint of the secret.
        var keys: [RelayKey?]
        /// By worker of the sender.
        var windows: [ReplayWindow] = []
        /// The number of its departure; `nil` while it is a member.
        var departure: Int?

        func verdict(_ counter: UInt64, of worker: Int) -> ReplayWindow.Verdict {
            worker < self.windows.count ? self.windows[worker].verdict(counter) : .fresh
        }

        mutating func mark(_ counter: UInt64, of worker: Int) {
            while self.windows.count <= worker { self.windows.append(ReplayWindow()) }
            self.windows[worker].mark(counter)
        }
    }

    package init(_ own: RelayNode, _ ring: KeyRing, limits: RelayLimits = RelayLimits()) {
        self.own = own
        self.ring = ring
        self.limits = limits
    }

    /// Checks a frame that has come from the network.
    ///
    /// - Returns: its head. The datagram is `RelayFrame.payload(of:)`.
    package mutating func receive(_ frame: UnsafeRawBufferPointer) throws(RelayRefusal) -> RelayFrame {
        do throws(RelayRefusal) {
            let head = try unsafe RelayFrame(frame)
            try unsafe self.judge(head, frame)
            switch head.kind {
            case .forward: self.counters.forwardsIn += 1
            case .answer: self.counters.answersIn += 1
            case .beat: self.counters.beatsIn += 1
            }
            return head
        } catch {
            self.counters.count(error)
            throw error
        }
    }

    private mutating func judge(_ head: RelayFrame, _ frame: UnsafeRawBufferPointer) throws(RelayRefusal) {
        guard head.sender.number != self.own.number else { throw .reflected }
        guard head.receiver.number == self.own.number else { throw .misaddressed }
        guard head.receiver == self.own else { throw .otherRun }
        let counter = head.number & (1 << RelayFrame.counterBits - 1)
        let key = try self.key(for: head, counter: counter)
        guard unsafe key.isAuthentic(frame) else { throw .forged }
        self.senders[head.sender.number]?.mark(counter, of: head.sendingWorker)
        guard head.kind == .beat || !head.client.isUnanswerable else { throw .unanswerable }
    }

    /// The key of a frame that its sender has not sent before, as far as the head says.
    ///
    /// The window is looked up before the frame is authentic, and moves only after that (RFC 4303 §3.4.3).
    private func key(for head: RelayFrame, counter: UInt64) throws(RelayRefusal) -> RelayKey {
        guard let sender = self.senders[head.sender.number], sender.departure == nil else { throw .stranger }
        guard head.sender == sender.member.node else {
            throw head.sender.isSuperseded(by: sender.member.node) ? .superseded : .stranger
        }
        guard let key = sender.keys[Int(head.rotation)] else { throw .unknownKey }
        switch sender.verdict(counter, of: head.sendingWorker) {
        case .fresh: return key
        case .replayed: throw .replayed
        case .outOfWindow: throw .outOfWindow
        }
    }

    // MARK: Members

    /// Tells which nodes are members now. What is known of the frames of one that has left is kept for a while: if it is a
    /// member again, its old frames are still replayed ones. An earlier run of a node never takes the place of a later one.
    package mutating func update(members: [RelayMember]) {
        let others = members.filter { $0.node.number != self.own.number }
        let taken = others.prefix(self.limits.members)
        self.counters.membersRefused += others.count - taken.count
        for number in self.senders.keys where !taken.contains(where: { $0.node.number == number }) {
            guard self.senders[number]?.departure == nil else { continue }
            self.departures += 1
            self.senders[number]?.departure = self.departures
        }
        for member in taken {
            let known = self.senders[member.node.number]?.member
            if known == member {
                self.senders[member.node.number]?.departure = nil
            } else if known.map({ !member.node.isSuperseded(by: $0.node) }) ?? true {
                self.senders[member.node.number] = Sender(member: member, keys: self.keys(of: member))
            }
        }
        let gone = self.senders.filter { $0.value.departure != nil }
            .sorted { ($0.value.departure ?? 0) < ($1.value.departure ?? 0) }
        for (number, _) in gone.dropLast(self.limits.members) { self.senders[number] = nil }
    }

    /// Takes frames by other secrets from now on.
    package mutating func update(_ ring: KeyRing) {
        self.ring = ring
        for (number, sender) in self.senders {
            let keys = self.keys(of: sender.member)
            self.senders[number]?.keys = keys
        }
    }

    private func keys(of member: RelayMember) -> [RelayKey?] {
        RoutableConnectionIDGenerator.rotations.map { rotation in
            self.ring[rotation].map { RelayKey($0.relayKey(of: member), in: self.pool) }
        }
    }
}
