import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Who is silent for one and a half times the keep alive is let go of [MQTT-3.1.2-22], but for silence of its own only.
@Suite struct KeepAliveTests {
    @Test("A loop that stood still reads before it judges, once") func late() {
        let broker = SimulatedBroker()
        let alive = broker.connect("alive", keepAlive: 10)
        let silent = broker.connect("silent", keepAlive: 10)
        let unconnected = broker.open()
        broker.advance(by: .seconds(1))
        broker.standStill(for: .seconds(60))
        broker.advance(by: .zero)
        #expect(!alive.isClosed && !silent.isClosed && !unconnected.isClosed)
        // It waited in the socket.
        alive.send(.pingRequest)
        broker.advance(by: .seconds(2))
        #expect(!alive.isClosed)
        #expect(silent.disconnectReason == .keepAliveTimeout)
        #expect(unconnected.isClosed)
        broker.advance(by: .seconds(14))
        #expect(alive.disconnectReason == .keepAliveTimeout)
    }

    @Test("A client that takes what it is sent, slowly, is not read from and not silent") func slow() {
        let broker = SimulatedBroker()
        let client = broker.connect("c", keepAlive: 10)
        broker.setBlocked(true, client)
        for _ in 0..<10 {
            broker.advance(by: .seconds(14))
            broker.progress(client)
        }
        #expect(!client.isClosed)
        // There is time to read its PINGREQ once there is room again, and no more than that.
        broker.advance(by: .milliseconds(14_500))
        broker.setBlocked(false, client)
        broker.advance(by: .milliseconds(900))
        #expect(!client.isClosed)
        broker.advance(by: .seconds(2))
        #expect(client.disconnectReason == .keepAliveTimeout)
    }

    @Test("A client that takes nothing is silent") func stuck() {
        let broker = SimulatedBroker()
        let client = broker.connect("c", keepAlive: 10)
        broker.setBlocked(true, client)
        broker.advance(by: .seconds(17))
        #expect(client.isClosed)
    }

    @Test("While the shard reads from nobody, nobody is silent") func stalled() {
        let broker = SimulatedBroker()
        let client = broker.connect("c", keepAlive: 10)
        broker.shards[0].shard.stall()
        broker.advance(by: .seconds(60))
        #expect(!client.isClosed)
        broker.shards[0].shard.readAgain([client.connection], now: broker.now)
        broker.advance(by: .milliseconds(900))
        #expect(!client.isClosed)
        broker.advance(by: .seconds(2))
        #expect(client.disconnectReason == .keepAliveTimeout)
    }
}
