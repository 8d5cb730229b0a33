import NIOCore
import Testing

@testable import MQTTBroker

@Suite struct LaneTests {
    @Test("The lane of a client identifier and of a topic is the same for ever") func fixed() {
        // A store keeps lanes by these numbers.
        #expect(Lane(clientHash: Session.identity(of: UTF8Key("car 7"))).number == 44)
        #expect(Lane(ofTopic: ByteBuffer(string: "fleet/7/state")).number == 51)
    }

    @Test("Every shard leads some of the lanes", arguments: 1...32) func leaders(_ count: Int) {
        let leaders = (0..<UInt64(Lane.count)).map { Lane(clientHash: $0).leader(among: count) }
        #expect(Set(leaders) == Set(0..<count))
    }
}
