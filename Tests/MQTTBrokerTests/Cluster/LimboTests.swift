import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite("Lanes without a leader")
struct LimboTests {
    private func message(
        _ payload: String,
        lanes: UInt64,
        _ receipt: Receipt? = nil,
        number: UInt64 = 0
    ) -> Limbo.Message {
        Limbo.Message(
            number: number,
            publish: Publish(topic: ByteBuffer(string: "a"), payload: ByteBuffer(string: payload)),
            publisher: 0,
            origin: nil,
            receipt: receipt,
            lanes: lanes,
            isRetained: false
        )
    }

    @Test("A message waits for all of its lanes, and comes in its order for each")
    func releases() {
        var limbo = Limbo()
        let receipt = Receipt(.outbox(Lane(clientHash: 0)))
        limbo.hold(message("1", lanes: 0b11, receipt))
        limbo.hold(message("2", lanes: 0b10))
        #expect(receipt.remaining == 1)
        #expect(limbo.waiting == 0b11)
        let first = limbo.release(0b01)
        #expect(first.map { String(buffer: $0.message.publish.payload) } == ["1"])
        #expect(first.map(\.isLast) == [false])
        let second = limbo.release(0b10)
        #expect(second.map { String(buffer: $0.message.publish.payload) } == ["1", "2"])
        #expect(second.map(\.isLast) == [true, true])
        #expect(limbo.isEmpty && limbo.octets == 0 && limbo.waiting == 0)
    }

    @Test("A message that was handed over, and comes back, waits before those that were handed over later")
    func keepsOrder() {
        var limbo = Limbo()
        limbo.hold(message("2", lanes: 1, number: 2))
        limbo.hold(message("4", lanes: 1, number: 4))
        limbo.hold(message("1", lanes: 1, number: 1))
        limbo.hold(message("3", lanes: 1, number: 3))
        #expect(limbo.release(1).map { String(buffer: $0.message.publish.payload) } == ["1", "2", "3", "4"])
    }

    @Test("The filters of a leader that is gone stay known, and of other lanes nothing is")
    func knows() throws {
        var limbo = Limbo(unknown: 0b100)
        var buckets = Interest.Buckets()
        _ = buckets.set(Interest.bucket(of: try TopicFilter("a/+", limits: Limits())), true)
        limbo.add(0b011, buckets)
        #expect(limbo.lanes(interestedIn: [UTF8Key("a"), UTF8Key("b")]) == 0b111)
        #expect(limbo.lanes(interestedIn: [UTF8Key("c")]) == 0b100)
        _ = limbo.release(0b101)
        #expect(limbo.lanes(interestedIn: [UTF8Key("a"), UTF8Key("b")]) == 0b010)
        _ = limbo.release(0b010)
        #expect(limbo.isEmpty)
    }
}
