import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Wills (MQTT 5.0 §3.1.2.5) of clients whose session outlives the run.
@Suite struct WillTests {
    @Test("A will that is due as soon as the broker is back reaches the sessions of all shards", arguments: 0..<8)
    func overdue(number: Int) {
        let broker = SimulatedBroker(shards: 2, hasStore: true)
        let watchers = (0..<8).map { "watcher \($0)" }
        for watcher in watchers {
            let client = broker.connect(watcher, expiry: 1_000)
            client.subscribe("will", qos: .exactlyOnce)
            broker.drop(client)
        }
        var will = Connect.Will(topic: ByteBuffer(string: "will"), payload: ByteBuffer(string: "gone"))
        will.qos = .exactlyOnce
        will.properties.values.willDelayInterval = 10
        broker.drop(broker.connect("mortal \(number)", expiry: 1_000, will: will))
        broker.standStill(for: .seconds(20))
        broker.crash(shards: 2)
        broker.advance(by: .seconds(1))
        broker.settle()
        for watcher in watchers {
            let client = broker.connect(watcher, cleanStart: false, expiry: 1_000)
            #expect(client.takePayloads() == ["gone"], "\(watcher)")
        }
    }

    @Test("A will is not due earlier because the wall clock was set back, however often the broker starts")
    func clockSetBack() {
        let broker = SimulatedBroker(hasStore: true)
        let watcher = broker.connect("watcher", expiry: 1_000_000)
        watcher.subscribe("will", qos: .atLeastOnce)
        broker.drop(watcher)
        broker.setWallClock(forwardBy: 86_400_000)
        var will = Connect.Will(topic: ByteBuffer(string: "will"), payload: ByteBuffer(string: "gone"))
        will.qos = .atLeastOnce
        will.properties.values.willDelayInterval = 100
        broker.drop(broker.connect("mortal", expiry: 1_000_000, will: will))
        broker.setWallClock(forwardBy: -86_400_000)
        for _ in 0..<3 {
            broker.crash(shards: 1)
            for _ in 0..<10 {
                broker.clean()
                broker.settle()
            }
            broker.advance(by: .seconds(10))
        }
        let early = broker.connect("watcher", cleanStart: false, expiry: 1_000_000)
        #expect(early.takePayloads().isEmpty)
        broker.advance(by: .seconds(100))
        #expect(early.takePayloads() == ["gone"])
    }
}
