import NIOCore
import Testing

@testable import BrokerStorage

struct CommitQueueTests {
    private let start = ContinuousClock.now

    private func entry(_ octets: Int, due: Duration = .zero, source: Int = 0) -> CommitQueue.Entry {
        CommitQueue.Entry(octets: ByteBuffer(repeating: 1, count: octets), source: source, due: start + due)
    }

    @Test func takesTheOldestUpToTheBound() {
        var queue = CommitQueue()
        for octets in [300, 300, 300] { queue.append(entry(octets)) }
        #expect(queue.take(most: 700).map(\.octets.readableBytes) == [300, 300])
        #expect(queue.octets == 300)
        #expect(queue.take(most: 700).count == 1)
        #expect(queue.isEmpty && queue.octets == 0 && queue.due == nil)
    }

    @Test func takesOneThatIsLargerThanTheBound() {
        var queue = CommitQueue()
        for octets in [900, 100] { queue.append(entry(octets)) }
        #expect(queue.take(most: 700).map(\.octets.readableBytes) == [900])
    }

    @Test func isDueWithTheMostUrgent() {
        var queue = CommitQueue()
        queue.append(entry(1, due: .milliseconds(2)))
        #expect(queue.due == start + .milliseconds(2))
        queue.append(entry(1))
        #expect(queue.due == start)
    }
}
