import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite("The outbox of a lane, replayed")
struct OutboxTests {
    private func restore(_ numbers: [UInt64], to outbox: inout Outbox) {
        for number in numbers {
            let publish = Publish(
                topic: ByteBuffer(string: "a"),
                payload: ByteBuffer(string: "\(number)"),
                qos: .exactlyOnce
            )
            let now = Instant(monotonic: .uptimeNanoseconds(1), wall: 1)
            let message = Message(copying: EncodedPublish(publish), qos: .exactlyOnce, now: now)
            outbox.restore(message, retain: false, publisher: 1, number: number)
        }
    }

    @Test("Messages that were written again come behind one that came meanwhile, and none is lost")
    func cleaned() {
        var outbox = Outbox()
        restore([5], to: &outbox)
        outbox.restore(passed: 2)
        restore([3, 4, 5], to: &outbox)
        #expect(outbox.entries.map(\.number) == [3, 4, 5])
        #expect(outbox.lastNumber == 5)
    }

    @Test("What has left the outbox does not come back")
    func passed() {
        var outbox = Outbox()
        restore([1, 2], to: &outbox)
        outbox.restore(passed: 2)
        restore([1, 2, 3], to: &outbox)
        #expect(outbox.entries.map(\.number) == [3])
    }
}
