import Testing

@testable import QUICTransport

/// How long what is read may have waited in its socket.
@Suite final class SocketBacklogTests {
    private var backlog = SocketBacklog(capacity: 1_000)

    /// What is read after an empty socket has just arrived, however long ago that was.
    @Test func emptySocketHasNoBacklog() {
        #expect(self.backlog.arrival(now: 5_000) == 5_000)
        self.backlog.didRead(900, isEmpty: true, now: 6_000)
        #expect(self.backlog.arrival(now: 9_000) == 9_000)
    }

    @Test func timeRunsFromTheReadThatLeftSomething() {
        self.backlog.didRead(500, isEmpty: false, now: 100)
        #expect(self.backlog.arrival(now: 150) == 100)
        self.backlog.didRead(500, isEmpty: false, now: 200)
        #expect(self.backlog.arrival(now: 250) == 100)
        self.backlog.didRead(10, isEmpty: true, now: 300)
        #expect(self.backlog.arrival(now: 350) == 350)
    }

    /// A busy socket is never read empty, but nothing in it is older than the reads that empty it once.
    @Test func busySocketDoesNotAgeForEver() {
        var now: UInt64 = 100
        for _ in 0..<100 {
            self.backlog.didRead(250, isEmpty: false, now: now)
            #expect(now - self.backlog.arrival(now: now) <= 80, "two fillings of the socket at most")
            now += 10
        }
    }
}
