import Testing

@testable import QUICTransport

/// What a loop sends to other nodes, and what it lets out for them.
@Suite struct RelayGateTests {
    var scene: RelayScene

    init() throws { self.scene = try RelayScene() }

    private static let second: UInt64 = 1_000_000_000

    private func answer(to client: RelayAddress = RelayScene.client, from owner: RelayNode? = nil) -> RelayFrame {
        RelayFrame(
            .answer,
            from: owner ?? self.scene.owner.node,
            to: self.scene.ingress.node,
            number: 0,
            worker: 3,
            client: client
        )
    }

    /// A datagram to the owner and its answer back, each at the other node.
    @Test mutating func answersReturnToTheClient() throws {
        let head = try self.scene.receive(try self.scene.forward())
        var owner = try RelayGate(self.scene.owner, worker: 0, RelayScene.ring)
        var octets = RelayScene.room([0x42, 0x43])
        try octets.withUnsafeMutableBytes {
            try owner.answer($0, to: RelayIngress(head), client: head.client, ecn: 1, segmentSize: 1)
        }
        var receiver = RelayReceiver(self.scene.ingress.node, RelayScene.ring)
        receiver.update(members: [self.scene.owner])
        let answer = try octets.withUnsafeBytes { try receiver.receive($0) }
        #expect(answer.kind == .answer)
        #expect(answer.worker == 3)
        #expect(answer.ecn == 1)
        #expect(answer.segmentSize == 1)
        #expect(try self.scene.gate.release(answer, now: 0) == RelayScene.local)
        #expect(owner.counters.answersOut == 1)
        #expect(receiver.counters.answersIn == 1)
        #expect(self.scene.gate.counters.forwardsOut == 1)
        #expect(self.scene.gate.counters.answersReleased == 1)
    }

    @Test mutating func onlyTheOwnerThatWasForwardedToMayAnswer() throws {
        _ = try self.scene.forward()
        var other = RelayScene.client
        #expect(throws: RelayRefusal.unknownAddress) {
            try self.scene.gate.release(self.answer(from: RelayNode(number: 3, incarnation: 5)), now: 0)
        }
        #expect(throws: RelayRefusal.unknownAddress) {
            try self.scene.gate.release(self.answer(from: RelayNode(number: 2, incarnation: 6)), now: 0)
        }
        other = RelayAddress(high: other.high, low: other.low, port: other.port + 1)
        #expect(throws: RelayRefusal.unknownAddress) { try self.scene.gate.release(self.answer(to: other), now: 0) }
        var forward = self.answer()
        forward.kind = .forward
        #expect(throws: RelayRefusal.unknownAddress) { try self.scene.gate.release(forward, now: 0) }
        #expect(self.scene.gate.counters[.unknownAddress] == 4)
        #expect(throws: Never.self) { try self.scene.gate.release(self.answer(), now: 0) }
    }

    /// Datagrams of the client keep its address, answers do not.
    @Test mutating func addressesAreForgotten() throws {
        _ = try self.scene.forward(now: 0)
        _ = try self.scene.forward(now: 100 * Self.second)
        _ = try self.scene.gate.release(self.answer(), now: 279 * Self.second)
        #expect(throws: RelayRefusal.unknownAddress) {
            try self.scene.gate.release(self.answer(), now: 280 * Self.second)
        }
    }

    @Test mutating func frameIsNeverRelayedAgain() throws {
        #expect(throws: RelayRefusal.looping) { try self.scene.forward(cameByRelay: true) }
        let frame = try self.scene.forward()
        #expect(throws: RelayRefusal.looping) { try self.scene.forward(frame) }
        #expect(throws: RelayRefusal.looping) { try self.scene.forward(to: self.scene.ingress.node) }
        #expect(self.scene.gate.counters[.looping] == 3)
        #expect(self.scene.gate.counters.forwardsOut == 1)
    }

    /// What was refused has left no address behind.
    @Test mutating func refusedDatagramsOpenNoWay() {
        #expect(throws: RelayRefusal.looping) { try self.scene.forward(cameByRelay: true) }
        #expect(throws: RelayRefusal.unknownAddress) { try self.scene.gate.release(self.answer(), now: 0) }
    }

    @Test mutating func datagramsAreBounded() throws {
        let longest = [UInt8](repeating: 0x40, count: self.scene.gate.largestDatagram)
        _ = try self.scene.forward(longest)
        #expect(throws: RelayRefusal.tooLong) { try self.scene.forward(longest + [0]) }
        #expect(throws: RelayRefusal.tooShort) { try self.scene.forward([]) }
    }

    @Test mutating func clientsThatCannotBeAnsweredAreRefused() {
        let nobody = RelayAddress(high: RelayScene.client.high, low: RelayScene.client.low, port: 0)
        #expect(throws: RelayRefusal.unanswerable) { try self.scene.forward(from: nobody) }
    }

    /// The octets of a datagram stay where they are.
    @Test mutating func datagramIsSealedInItsPlace() throws {
        let frame = try self.scene.forward([0x40, 9, 9])
        #expect(Array(frame.dropFirst(RelayFrame.headerCount).dropLast(RelayFrame.tagCount)) == [0x40, 9, 9])
    }

    @Test mutating func numbersNeverRepeat() throws {
        var numbers: Set<UInt64> = []
        for worker in [3, 4] as [UInt8] {
            self.scene.gate = try RelayGate(self.scene.ingress, worker: worker, RelayScene.ring)
            for _ in 0..<3 { numbers.insert(try self.scene.receive(try self.scene.forward()).number) }
            self.scene.gate.update(RelayScene.ring)
            numbers.insert(try self.scene.receive(try self.scene.forward()).number)
        }
        #expect(numbers.count == 8)
    }

    @Test func workersAreBounded() {
        #expect(throws: QUICError.self) { try RelayGate(self.scene.ingress, worker: 32, RelayScene.ring) }
    }

    @Test mutating func displacedAddressesAreCounted() throws {
        var limits = RelayLimits()
        limits.unansweredAddresses = 1
        self.scene = try RelayScene(limits: limits)
        _ = try self.scene.forward()
        _ = try self.scene.forward(from: RelayScene.local)
        #expect(self.scene.gate.counters.addressesDisplaced == 1)
        #expect(throws: RelayRefusal.unknownAddress) { try self.scene.gate.release(self.answer(), now: 0) }
    }

    /// Forged addresses push each other out, and nobody whom an owner has answered.
    @Test mutating func answeredAddressesStay() throws {
        var limits = RelayLimits()
        limits.unansweredAddresses = 4
        self.scene = try RelayScene(limits: limits)
        _ = try self.scene.forward()
        _ = try self.scene.gate.release(self.answer(), now: 0)
        for port in 1...100 as ClosedRange<UInt16> {
            _ = try self.scene.forward(from: RelayAddress(high: 0, low: 0xffff_c000_0299, port: port))
        }
        #expect(self.scene.gate.counters.addressesDisplaced == 96)
        #expect(throws: Never.self) { try self.scene.gate.release(self.answer(), now: 0) }
    }

    /// A host has a share of what is forwarded from addresses without an answer; the others' is theirs.
    @Test mutating func hostsHaveShares() throws {
        var limits = RelayLimits()
        limits.unansweredBurst = 3
        limits.unansweredInterval = .seconds(1)
        self.scene = try RelayScene(limits: limits)
        let other = RelayAddress(high: 0x2001_0db8_0000_0000, low: 1, port: 9)
        for port in 1...3 as ClosedRange<UInt16> {
            _ = try self.scene.forward(from: RelayAddress(high: other.high, low: UInt64(port), port: port))
        }
        #expect(throws: RelayRefusal.rationed) { try self.scene.forward(from: other) }
        #expect(throws: Never.self) { try self.scene.forward(from: other, now: Self.second) }
        #expect(self.scene.gate.counters[.rationed] == 1)
        // With the owner's answer the address has no bound any more.
        var answer = self.answer(to: other)
        answer.listener = 0
        _ = try self.scene.gate.release(answer, now: Self.second)
        for _ in 0..<100 { _ = try self.scene.forward(from: other, now: Self.second) }
    }

    /// Two listeners may have a client of one address.
    @Test mutating func listenersAreApart() throws {
        _ = try self.scene.forward()
        var answer = self.answer()
        answer.listener = 1
        #expect(throws: RelayRefusal.unknownAddress) { try self.scene.gate.release(answer, now: 0) }
    }

    @Test(arguments: [true, false]) mutating func beatsTellWhetherTheOtherIsHeard(_ hears: Bool) throws {
        var octets = RelayScene.room([0])
        let node = self.scene.owner.node
        try octets.withUnsafeMutableBytes { try self.scene.gate.beat($0, to: node, hears: hears) }
        #expect(try self.scene.receive(octets).kind == .beat)
        #expect(octets.withUnsafeBytes { RelayFrame.hears(inBeat: $0) } == hears)
        #expect(self.scene.gate.counters.beatsOut == 1)
        #expect(self.scene.receiver.counters.beatsIn == 1)
    }
}
