import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite struct HandOverTests {
    private let requester = Requester(
        connection: ConnectionReference(shard: ShardReference(shard: 0), slot: 0, number: 1),
        number: 1
    )

    private func publish(_ payload: String) -> ShardMessage {
        ShardMessage(
            .publish(
                Publish(topic: ByteBuffer(string: "a"), payload: ByteBuffer(string: payload)),
                from: 0,
                origin: nil,
                .everybody,
                receipt: 0
            )
        )
    }

    @Test("All messages leave before the first answer, each shard's in their order; nothing is kept")
    func order() {
        var handOver = HandOver(count: 3)
        #expect(handOver.isEmpty)
        handOver.append(ShardMessage(.announced(requester)), for: 1)
        handOver.append(publish("1"), for: 2)
        handOver.append(publish("2"), for: 1)
        handOver.append(publish("3"), for: 2)
        #expect(!handOver.isEmpty)
        var left: [String] = []
        handOver.deliver { shard, messages, weight in
            #expect(weight >= messages.count * 256)
            for message in messages {
                switch message.body {
                case .publish(let publish, _, _, _, _):
                    left.append("\(shard.index): \(String(buffer: publish.payload))")
                case .announced: left.append("\(shard.index): announced")
                default: Issue.record("unexpected")
                }
            }
        }
        #expect(left == ["1: 2", "2: 1", "2: 3", "1: announced"])
        #expect(handOver.isEmpty)
        handOver.deliver { _, _, _ in Issue.record("delivered twice") }
    }
}
