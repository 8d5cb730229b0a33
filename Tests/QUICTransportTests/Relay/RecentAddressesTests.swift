import Testing

@testable import QUICTransport

/// The addresses that were seen lately.
@Suite struct RecentAddressesTests {
    private static let owner = RelayNode(number: 2, incarnation: 1)
    private static let local = RelayScene.local

    private var table = RecentAddresses(capacity: 3, unanswered: 3, lifetime: .nanoseconds(100))

    private static func pair(_ number: Int) -> RecentAddresses.Pair {
        let client = RelayAddress(high: 0, low: 0xffff_0000_0000 + UInt64(number), port: 1)
        return RecentAddresses.Pair(owner: Self.owner, listener: 0, client: client)
    }

    /// Notes a client, and expects it to displace another one or not.
    private mutating func note(_ number: Int, now: UInt64, displaces: Bool = false) {
        #expect(self.table.note(Self.pair(number), at: Self.local, now: now) == !displaces)
    }

    private mutating func answer(_ number: Int, now: UInt64, displaces: Bool = false) {
        #expect(self.table.answer(Self.pair(number), now: now)?.isRoomy == !displaces)
    }

    private func isThere(_ number: Int, now: UInt64) -> Bool {
        self.table.standing(of: Self.pair(number), now: now) != .new
    }

    @Test mutating func leastRecentGoesFirst() {
        for number in 0..<3 { self.note(number, now: 1) }
        self.note(0, now: 2)
        self.note(3, now: 3, displaces: true)
        #expect((0..<4).filter { self.isThere($0, now: 3) } == [0, 2, 3])
        self.note(4, now: 3, displaces: true)
        #expect((0..<5).filter { self.isThere($0, now: 3) } == [0, 3, 4])
        #expect(self.table.count == 3)
    }

    /// What is over makes room without displacing anything.
    @Test mutating func addressesHaveALifetime() {
        for number in 0..<3 { self.note(number, now: UInt64(10 * number)) }
        #expect(self.isThere(0, now: 99))
        #expect(!self.isThere(0, now: 100))
        self.note(3, now: 115)
        #expect(self.table.count == 2)
        #expect(self.isThere(2, now: 119))
    }

    @Test mutating func localAddressIsTheLatest() {
        let other = RelayAddress(high: 0, low: 0xffff_7f00_0001, port: 7)
        self.note(0, now: 0)
        _ = self.table.note(Self.pair(0), at: other, now: 1)
        #expect(self.table.answer(Self.pair(0), now: 1)?.local == other)
        #expect(self.table.answer(Self.pair(1), now: 1) == nil)
    }

    /// Each kind has room of its own.
    @Test mutating func answeredAddressesAreApart() {
        for number in 0..<3 {
            self.note(number, now: 1)
            self.answer(number, now: 1)
        }
        for number in 3..<6 { self.note(number, now: 2) }
        #expect(self.table.count == 6)
        self.note(6, now: 2, displaces: true)
        #expect((0..<7).filter { self.isThere($0, now: 2) } == [0, 1, 2, 4, 5, 6])
        self.note(0, now: 3)
        self.answer(6, now: 3, displaces: true)
        #expect((0..<7).filter { self.isThere($0, now: 3) } == [0, 2, 4, 5, 6])
        #expect(self.table.standing(of: Self.pair(6), now: 3) == .answered)
        #expect(self.table.standing(of: Self.pair(5), now: 3) == .unanswered)
    }

    /// After its lifetime an address has to be answered anew.
    @Test mutating func answersAreForgottenWithTheirAddress() {
        self.note(0, now: 0)
        self.answer(0, now: 0)
        self.note(0, now: 99)
        #expect(self.table.standing(of: Self.pair(0), now: 99) == .answered)
        self.note(0, now: 199)
        #expect(self.table.standing(of: Self.pair(0), now: 199) == .unanswered)
        #expect(self.table.count == 1)
    }

    /// The table agrees with a list in the order of its use.
    @Test mutating func agreesWithAList() {
        self.table = RecentAddresses(capacity: 1, unanswered: 8, lifetime: .nanoseconds(40))
        var list: [(number: Int, seen: UInt64)] = []
        var random: UInt64 = 7
        for now in 0..<5_000 as Range<UInt64> {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let number = Int((random >> 33) % (now % 1_000 < 500 ? 16 : 6))
            if (random >> 50) % 64 == 0 { list = list.filter { now - $0.seen < 40 } }
            list.removeAll { $0.number == number || now - $0.seen >= 40 }
            list.append((number, now))
            let isFull = list.count > 8
            if isFull { list.removeFirst() }
            self.note(number, now: now, displaces: isFull)
            #expect((0..<16).filter { self.isThere($0, now: now) } == list.map(\.number).sorted())
        }
        #expect(self.table.count <= 8)
    }
}
