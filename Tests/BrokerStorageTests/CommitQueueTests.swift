import NIOCore
import Testing

@testable import BrokerStorage

struct CommitQueueTests {
    private func entry(_ octets: Int) -> CommitQueue.Entry {
        CommitQueue.Entry(octets: ByteBuffer(repeating: 1, count: octets), source: 0)
    }

    @Test func takesTheOldestUpToTheBound() {
        var queue = CommitQueue()
        for octets in [300, 300, 300] { queue.append(entry(octets)) }
        #expect(queue.take(most: 700).map(\.octets.readableBytes) == [300, 300])
        #expect(queue.octets == 300)
        #expect(queue.take(most: 700).count == 1)
        #expect(queue.isEmpty && queue.octets == 0)
    }

    @Test func takesOneThatIsLargerThanTheBound() {
        var queue = CommitQueue()
        for octets in [900, 100] { queue.append(entry(octets)) }
        #expect(queue.take(most: 700).map(\.octets.readableBytes) == [900])
    }
}
