import Testing

@testable import BrokerServer

@Suite struct MailboxTests {
    @Test("Sources wait beyond the high-water mark and are named at the low one") func waterMarks() {
        let mailbox = Mailbox()
        let half = Mailbox.highWaterMark / 2
        #expect(mailbox.put(half, from: 0))
        #expect(mailbox.put(half, from: 1))
        #expect(!mailbox.put(1, from: 2))
        #expect(!mailbox.put(1, from: 3))
        #expect(!mailbox.put(1, from: 2))
        #expect(mailbox.take(half).isEmpty)
        #expect(mailbox.take(half - Mailbox.lowWaterMark) == [])
        #expect(mailbox.take(3) == [2, 3])
        #expect(mailbox.take(Mailbox.lowWaterMark).isEmpty)
        #expect(mailbox.put(Mailbox.highWaterMark, from: 2))
    }
}
