import NIOCore
import Testing

@testable import QUICTransport

/// The bytes of a stream that are unsent or unacknowledged.
@Suite struct SendQueueTests {
    /// A model of the queue: whatever is appended, sent in parts and acknowledged in parts comes out in order, once.
    @Test func sendQueueHandsOutBytesInOrder() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var queue = SendQueue()
            var appended: [UInt8] = []
            var sent: [UInt8] = []
            var acknowledged = 0
            for _ in 0..<60 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0, 1:
                    let size = [0, 1, 20, 500, 600, 5_000, 16_384, 30_000].randomElement(using: &random) ?? 1
                    let bytes = ByteBuffer.pattern(size, seed: Int.random(in: 0..<1_000, using: &random))
                    queue.append(bytes)
                    appended += Array(buffer: bytes)
                case 2:
                    let offered = queue.unsentBytes(atMost: Int.random(in: 1...40_000, using: &random))
                    sent += offered
                    queue.didSend(offered.count)
                default:
                    let count = Int.random(in: 0...(sent.count - acknowledged), using: &random)
                    queue.acknowledge(count)
                    acknowledged += count
                }
                #expect(queue.count == appended.count - acknowledged)
                #expect(queue.unsent == appended.count - sent.count)
                #expect(sent == Array(appended.prefix(sent.count)))
            }
        }
    }

    @Test func sendQueueFinishesBehindTheLastByte() {
        var queue = SendQueue()
        #expect(queue.hasWork == false)
        queue.append(ByteBuffer(string: "abc"))
        queue.finish = .wanted
        #expect(queue.hasWork == true)
        queue.didSend(2)
        #expect(queue.finish == .wanted)
        queue.didSend(1)
        #expect(queue.finish == .sent)
        #expect(queue.hasWork == false)
        queue.acknowledge(3)
        #expect(queue.count == 0)
    }
}

extension SendQueue {
    /// What a packet of the size would take.
    fileprivate func unsentBytes(atMost limit: Int) -> [UInt8] {
        let context = EngineContext(identifiers: RandomConnectionIDGenerator(), keys: KeyRing(secret: [1]))
        return context.bytes(of: self, atMost: limit)
    }
}
