import Testing

@testable import QUICTransport

/// The addresses that were seen lately.
@Suite struct RecentAddressesTests {
    private static let owner = RelayNode(number: 2, incarnation: 1)
    private static let local = RelayScene.local

    private var table = RecentAddresses(capacity: 3, lifetime: .nanoseconds(100))

    private static func client(_ number: Int) -> RelayAddress {
        RelayAddress(high: 0, low: 0xffff_0000_0000 + UInt64(number), port: 1)
    }

    /// Notes a client, and expects it to displace another one or not.
    private mutating func note(_ number: Int, now: UInt64, displaces: Bool = false) {
        let isFree = self.table.note(Self.client(number), of: Self.owner, at: Self.local, now: now)
        #expect(isFree == !displaces)
    }

    private func isThere(_ number: Int, now: UInt64) -> Bool {
        self.table.local(for: Self.client(number), of: Self.owner, now: now) != nil
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
        _ = self.table.note(Self.client(0), of: Self.owner, at: other, now: 1)
        #expect(self.table.local(for: Self.client(0), of: Self.owner, now: 1) == other)
    }

    /// The table agrees with a list in the order of its use.
    @Test mutating func agreesWithAList() {
        self.table = RecentAddresses(capacity: 8, lifetime: .nanoseconds(40))
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
