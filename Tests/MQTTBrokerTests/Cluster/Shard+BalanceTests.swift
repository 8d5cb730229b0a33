import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite("Clients that a shard lets go")
struct ShardBalanceTests {
    @Test(
        "Clients go in their turn, with 0x9C; those with a will and those that have just come stay",
        arguments: [0, 100]
    )
    func letGo(expiry: UInt32) {
        let broker = SimulatedBroker.cluster(nodes: 2, shards: 1)
        defer { broker.end() }
        let will = Connect.Will(topic: ByteBuffer(string: "a"), payload: ByteBuffer(string: "gone"))
        let old = (0..<3).map { broker.connect("old \($0)", on: 0, expiry: expiry) }
        let present = broker.connect("present", on: 0, expiry: expiry, will: will)
        broker.wait(until: broker.now.monotonic + .seconds(30))
        let new = broker.connect("new", on: 0, expiry: expiry)
        func letGo(_ count: Int) {
            broker.change(0) { $0.letGo(clients: count, now: broker.now) }
            broker.settle()
        }
        letGo(2)
        #expect(old.filter(\.isClosed).count == 2)
        for client in old where client.isClosed { #expect(client.disconnectReason == .useAnotherServer) }
        letGo(10)
        #expect(old.filter(\.isClosed).count == 3)
        #expect(!present.isClosed && !new.isClosed)
        #expect(broker.shards[0].shard.counters.clientsLetGo == 3)
        broker.wait(until: broker.now.monotonic + .seconds(30))
        letGo(10)
        #expect(!present.isClosed && new.isClosed)
    }
}
