import QUICTransport
import Testing

/// What a node takes from the relays of other nodes, and what it refuses and counts.
@Suite struct RelayReceiverTests {
    var scene: RelayScene

    init() throws { self.scene = try RelayScene() }

    @Test mutating func takesWhatAMemberForwards() throws {
        let octets = try self.scene.forward()
        let head = try self.scene.receive(octets)
        #expect(head.kind == .forward)
        #expect(head.sender == self.scene.ingress.node)
        #expect(head.worker == 3)
        #expect(head.client == RelayScene.client)
        #expect(head.ecn == 2)
        #expect(octets.withUnsafeBytes { Array(RelayFrame.payload(of: $0)) } == RelayScene.datagram)
        #expect(self.scene.receiver.counters.forwardsIn == 1)
        #expect(RelayRefusal.allCases.allSatisfy { self.scene.receiver.counters[$0] == 0 })
    }

    /// One bit, anywhere: nothing of it is taken, and the frame as it was still is.
    @Test mutating func refusesEachChangedBit() throws {
        let octets = try self.scene.forward()
        for bit in 0..<(8 * octets.count) {
            var forged = octets
            forged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: RelayRefusal.self, "bit \(bit)") { try self.scene.receive(forged) }
        }
        let counted = RelayRefusal.allCases.reduce(0) { $0 + self.scene.receiver.counters[$1] }
        #expect(counted == 8 * octets.count)
        // Those of the counter, the client's port and address, the datagram and the tag, and some others.
        #expect(self.scene.receiver.counters[.forged] > 8 * (7 + 2 + 4 + 4 + 16))
        #expect(throws: Never.self) { try self.scene.receive(octets) }
    }

    @Test mutating func refusesReplays() throws {
        let frames = [try self.scene.forward(), try self.scene.forward(), try self.scene.forward()]
        for index in [2, 0, 1] { _ = try self.scene.receive(frames[index]) }
        for frame in frames { #expect(throws: RelayRefusal.replayed) { try self.scene.receive(frame) } }
        #expect(self.scene.receiver.counters[.replayed] == 3)
    }

    @Test mutating func refusesWhatIsOlderThanItsWindow() throws {
        let far = self.scene.sealed { $0.number = 5_000 }
        _ = try self.scene.receive(far)
        let last = self.scene.sealed { $0.number = 5_000 - ReplayWindow.width }
        #expect(throws: RelayRefusal.outOfWindow) { try self.scene.receive(last) }
        _ = try self.scene.receive(self.scene.sealed { $0.number = 5_001 - ReplayWindow.width })
    }

    /// A forged frame moves no window, or anybody could lock a member out.
    @Test mutating func forgedFramesMoveNoWindow() throws {
        var forged = self.scene.sealed { $0.number = 1 << 40 }
        forged[forged.count - 1] ^= 1
        #expect(throws: RelayRefusal.forged) { try self.scene.receive(forged) }
        #expect(throws: Never.self) { try self.scene.receive(self.scene.sealed { $0.number = 0 }) }
    }

    /// The loops of a sender count without each other.
    @Test mutating func eachWorkerHasItsWindow() throws {
        for worker in [31, 0, 3] as [UInt64] {
            for number in [9_000, 8_999] as [UInt64] {
                _ = try self.scene.receive(self.scene.sealed { $0.number = worker << 56 | number })
            }
        }
        #expect(throws: RelayRefusal.replayed) {
            try self.scene.receive(self.scene.sealed { $0.number = 31 << 56 | 9_000 })
        }
        #expect(throws: RelayRefusal.malformed) { try self.scene.receive(self.scene.sealed { $0.number = 32 << 56 }) }
    }

    @Test mutating func refusesItsOwnFrames() throws {
        var gate = try RelayGate(self.scene.owner, worker: 0, RelayScene.ring)
        var octets = RelayScene.room(RelayScene.datagram)
        let ingress = RelayIngress(node: self.scene.ingress.node, worker: 3, listener: 0)
        try octets.withUnsafeMutableBytes {
            try gate.answer($0, to: ingress, client: RelayScene.client, ecn: 0)
        }
        #expect(throws: RelayRefusal.reflected) { try self.scene.receive(octets) }
        #expect(self.scene.receiver.counters[.reflected] == 1)
    }

    @Test mutating func refusesFramesForOthers() throws {
        let other = try self.scene.forward(to: RelayNode(number: 3, incarnation: 5))
        #expect(throws: RelayRefusal.misaddressed) { try self.scene.receive(other) }
        // After a restart of the receiver, which has lost its window.
        let earlier = try self.scene.forward(to: RelayNode(number: 2, incarnation: 4))
        #expect(throws: RelayRefusal.otherRun) { try self.scene.receive(earlier) }
    }

    @Test mutating func refusesStrangers() throws {
        let stranger = RelayScene.member(9)
        let frame = self.scene.sealed(key: RelayKey(of: stranger, RelayScene.ring)) { $0.sender = stranger.node }
        #expect(throws: RelayRefusal.stranger) { try self.scene.receive(frame) }
        self.scene.receiver.update(members: [self.scene.ingress, stranger])
        #expect(throws: Never.self) { try self.scene.receive(frame) }
    }

    @Test mutating func refusesEarlierRunsOfAMember() throws {
        let frame = try self.scene.forward()
        self.scene.receiver.update(members: [RelayScene.member(1, incarnation: 6, salt: 3)])
        #expect(throws: RelayRefusal.superseded) { try self.scene.receive(frame) }
        // Not even if somebody says that the earlier run is the member.
        self.scene.receiver.update(members: [self.scene.ingress])
        #expect(throws: RelayRefusal.superseded) { try self.scene.receive(frame) }
    }

    @Test mutating func refusesRunsThatItHasNotHeardOf() throws {
        let next = RelayScene.member(1, incarnation: 6, salt: 3)
        let frame = self.scene.sealed(key: RelayKey(of: next, RelayScene.ring)) { $0.sender = next.node }
        #expect(throws: RelayRefusal.stranger) { try self.scene.receive(frame) }
        self.scene.receiver.update(members: [next])
        #expect(throws: Never.self) { try self.scene.receive(frame) }
    }

    /// Two runs that took one incarnation differ by their salt.
    @Test mutating func refusesTheKeyOfAnotherSalt() throws {
        let twin = RelayScene.member(1, salt: 8)
        let frame = self.scene.sealed(key: RelayKey(of: twin, RelayScene.ring)) { _ in }
        #expect(throws: RelayRefusal.forged) { try self.scene.receive(frame) }
        self.scene.receiver.update(members: [twin])
        #expect(throws: Never.self) { try self.scene.receive(frame) }
    }

    /// A member that seems to be gone for a moment brings no old frames with it.
    @Test mutating func remembersTheFramesOfAMemberThatReturns() throws {
        let frame = try self.scene.forward()
        _ = try self.scene.receive(frame)
        self.scene.receiver.update(members: [])
        #expect(throws: RelayRefusal.stranger) { try self.scene.receive(frame) }
        self.scene.receiver.update(members: [self.scene.ingress])
        #expect(throws: RelayRefusal.replayed) { try self.scene.receive(frame) }
    }

    @Test mutating func refusesWrongLengths() throws {
        let octets = try self.scene.forward()
        for count in 0...RelayFrame.overhead {
            #expect(throws: RelayRefusal.tooShort) { try self.scene.receive(Array(octets.prefix(count))) }
        }
        let room = [UInt8](repeating: 0x40, count: RelayFrame.maximumCount + 1 - RelayFrame.overhead)
        let long = self.scene.sealed(room) { _ in }
        #expect(throws: RelayRefusal.tooLong) { try self.scene.receive(long) }
        let longest = self.scene.sealed(Array(room.dropLast())) { _ in }
        #expect(throws: Never.self) { try self.scene.receive(longest) }
    }

    @Test mutating func refusesWhatWouldLoop() throws {
        let inner = try self.scene.forward()
        #expect(throws: RelayRefusal.looping) { try self.scene.receive(self.scene.sealed(inner) { _ in }) }
        for hops in [0, 2, 255] as [UInt8] {
            #expect(throws: RelayRefusal.looping) { try self.scene.receive(self.scene.sealed { $0.hops = hops }) }
        }
        #expect(self.scene.receiver.counters[.looping] == 4)
    }

    @Test mutating func refusesClientsThatNobodyIs() {
        let nobody = [
            RelayAddress(high: 0, low: 0xffff_c000_0201, port: 0), RelayAddress(high: 0, low: 0, port: 1),
            RelayAddress(high: 0, low: 0xffff_e000_0001, port: 1), RelayAddress(high: 0xff02 << 48, low: 1, port: 1),
        ]
        for (number, client) in nobody.enumerated() {
            let frame = self.scene.sealed {
                $0.client = client
                $0.number = UInt64(number)
            }
            #expect(throws: RelayRefusal.unanswerable) { try self.scene.receive(frame) }
        }
    }

    // MARK: Secrets and bounds

    /// Receivers know the next secret before senders use it, and the last one for a while.
    @Test mutating func secretsChangeWhileFramesAreUnderWay() throws {
        let next = [UInt8](repeating: 9, count: 32)
        let late = try self.scene.forward()
        self.scene.gate.update(KeyRing(secret: next, rotation: 1, others: [0: RelayScene.secret]))
        let early = try self.scene.forward()
        #expect(throws: RelayRefusal.unknownKey) { try self.scene.receive(early) }
        self.scene.receiver.update(KeyRing(secret: RelayScene.secret, others: [1: next]))
        #expect(try self.scene.receive(early).rotation == 1)
        #expect(throws: Never.self) { try self.scene.receive(late) }
        #expect(throws: RelayRefusal.replayed) { try self.scene.receive(early) }
        self.scene.receiver.update(KeyRing(secret: next, rotation: 1))
        #expect(throws: RelayRefusal.unknownKey) { try self.scene.receive(late) }
    }

    @Test mutating func membersAreBounded() throws {
        var limits = RelayLimits()
        limits.members = 2
        self.scene = try RelayScene(limits: limits)
        self.scene.receiver.update(members: [RelayScene.member(7), RelayScene.member(8), self.scene.ingress])
        #expect(self.scene.receiver.counters.membersRefused == 1)
        #expect(throws: RelayRefusal.stranger) { try self.scene.receive(self.scene.forward()) }
    }

    /// Members that have left are remembered up to the same bound: the last ones.
    @Test mutating func departuresAreBounded() throws {
        var limits = RelayLimits()
        limits.members = 1
        self.scene = try RelayScene(limits: limits)
        let frame = try self.scene.forward()
        _ = try self.scene.receive(frame)
        for number in 7..<9 { self.scene.receiver.update(members: [RelayScene.member(UInt16(number))]) }
        self.scene.receiver.update(members: [])
        self.scene.receiver.update(members: [self.scene.ingress])
        #expect(throws: Never.self) { try self.scene.receive(frame) }
    }
}
