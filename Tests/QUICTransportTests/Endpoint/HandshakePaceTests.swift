import Testing

@testable import QUICTransport

/// How many handshakes may begin.
@Suite final class HandshakePaceTests {
    private static let millisecond: UInt64 = 1_000_000
    private static let start: UInt64 = 1_000_000_000_000
    private var pace = HandshakePace()
    private var now = HandshakePaceTests.start

    /// Handshakes that cost so much each, in milliseconds of the beginning and of the rest.
    private func measure(beginning: UInt64, rest: UInt64) {
        for _ in 0..<200 {
            let start = self.pace.begin(now: self.now)
            self.pace.didBegin(cost: beginning * Self.millisecond)
            self.pace.didWork(cost: rest * Self.millisecond)
            self.pace.complete(start, now: self.now)
        }
    }

    private func mayBegin() -> Bool { self.pace.mayBegin(now: self.now) }

    private func hasRoom() -> Bool { self.pace.hasRoom(now: self.now) }

    @Test func rateComesFromTheCost() {
        self.measure(beginning: 1, rest: 1)
        #expect(abs(self.pace.rate - 500) < 10)
        #expect((120...130).contains(self.pace.limit), "a quarter of a second's work")
        self.measure(beginning: 3, rest: 1)
        #expect(abs(self.pace.rate - 250) < 10)
    }

    /// A long path makes handshakes slow, not dear: the rate stays, and the loop goes on with others.
    @Test func slowClientsDoNotLowerTheRate() {
        self.measure(beginning: 1, rest: 1)
        let rate = self.pace.rate
        let limit = self.pace.limit
        for _ in 0..<20 {
            for _ in 0..<limit {
                #expect(self.hasRoom())
                _ = self.pace.begin(now: self.now)
                self.pace.didBegin(cost: Self.millisecond)
            }
            #expect(!self.hasRoom())
            self.now += 251 * Self.millisecond
        }
        #expect(abs(self.pace.rate - rate) < 1)
        #expect(self.hasRoom())
        #expect(self.pace.inFlight == 0)
    }

    @Test func inFlightIsBounded() {
        let limit = self.pace.limit
        let starts = (0..<limit).map { _ in self.pace.begin(now: self.now) }
        #expect(!self.hasRoom())
        self.pace.end(starts[0], now: self.now)
        #expect(self.hasRoom())
        #expect(self.pace.inFlight == limit - 1)
    }

    /// Whoever is counted no more cannot make room a second time.
    @Test func lateEndsCountOnce() {
        let early = self.pace.begin(now: self.now)
        self.now += 251 * Self.millisecond
        let late = self.pace.begin(now: self.now)
        #expect(self.pace.inFlight == 1)
        self.pace.end(early, now: self.now)
        #expect(self.pace.inFlight == 1)
        self.pace.end(late, now: self.now)
        self.pace.end(late, now: self.now)
        #expect(self.pace.inFlight == 0)
    }

    @Test func someMayAlwaysBegin() {
        self.measure(beginning: 20, rest: 20)
        #expect(self.pace.limit == self.pace.limits.least)
    }

    /// One tick spends a bounded time on beginnings; the last may exceed it.
    @Test func tickHasABudget() {
        var begun = 0
        while self.mayBegin(), begun < 100 {
            self.pace.didSpend(400_000)
            begun += 1
        }
        #expect(begun == 2)
        #expect(self.pace.mayRead, "what belongs to handshakes under way has a budget of its own")
        self.pace.endTick()
        #expect(self.mayBegin())
    }

    /// One tick spends a bounded time on reading what belongs to handshakes under way.
    @Test func readingHasABudget() {
        var read = 0
        while self.pace.mayRead, read < 100 {
            self.pace.didRead(cost: 200_000)
            read += 1
        }
        #expect(read == 3)
        #expect(self.mayBegin())
        self.pace.endTick()
        #expect(self.pace.mayRead)
    }

    /// A machine that stood still for a minute in the middle of a handshake does not bring the rate down to nothing.
    @Test func oneLongMeasurementIsNotBelieved() {
        self.measure(beginning: 1, rest: 1)
        self.pace.didBegin(cost: 60_000 * Self.millisecond)
        #expect(self.pace.rate > 250)
    }

    @Test func roomComesByItself() {
        while self.hasRoom() { _ = self.pace.begin(now: self.now) }
        var waits = 0
        while !self.hasRoom(), waits < 100 {
            let next = self.pace.nextRoom(now: self.now)
            #expect(next > self.now)
            self.now = next
            waits += 1
        }
        #expect(self.now - Self.start <= 251 * Self.millisecond)
    }

    /// A random walk against a plain list of those in flight.
    @Test func countIsThatOfAList() {
        var flying: [(start: HandshakePace.Start, at: UInt64)] = []
        let slot = self.pace.limits.window / 16
        for _ in 0..<5_000 {
            switch Int.random(in: 0..<3) {
            case 0: flying.append((self.pace.begin(now: self.now), self.now))
            case 1 where !flying.isEmpty:
                let ended = flying.remove(at: .random(in: flying.indices))
                self.pace.end(ended.start, now: self.now)
            default: self.now += .random(in: 0..<20 * Self.millisecond)
            }
            _ = self.hasRoom()
            let counted = flying.filter { self.now / slot - $0.at / slot < 16 }
            #expect(self.pace.inFlight == counted.count)
        }
    }
}
