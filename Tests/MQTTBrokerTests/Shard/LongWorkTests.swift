import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Work that grows with what peers have left behind is done in steps, and counted in steps, not in time.
@Suite struct LongWorkTests {
    private func limits(steps: Int) -> Limits {
        var limits = Limits()
        limits.maximumStepsPerTick = steps
        return limits
    }

    @Test("A look-up of retained messages visits no more nodes in a tick than it has steps", arguments: [1, 3])
    func lookUp(shards: Int) {
        let broker = SimulatedBroker(shards: shards, limits: limits(steps: 10))
        let publisher = broker.connect("p")
        for topic in 0..<500 { publisher.publish("t/\(topic)", "\(topic)", retain: true) }
        let subscriber = broker.connect("s")
        _ = subscriber.takeAll()
        let start = broker.now.monotonic
        subscriber.subscribe("t/#")
        let packets = subscriber.takeAll()
        guard case .subscribeAcknowledgement = packets.first else {
            Issue.record("SUBACK is not the first packet")
            return
        }
        #expect(packets.count == 501)
        // A topic is two steps: its node, and its place in the node above.
        let ticks = (broker.now.monotonic - start).nanoseconds / Pace.period.nanoseconds
        #expect(ticks >= 1000 / 10 / Int64(shards) - 1)
        #expect(broker.total(\.ticksExhausted) >= 1000 / 10 - UInt64(shards))
    }

    @Test("Packets and messages behind a SUBSCRIBE wait until its look-up is done")
    func order() {
        let broker = SimulatedBroker(limits: limits(steps: 10))
        let publisher = broker.connect("p")
        for topic in 0..<100 { publisher.publish("t/\(topic)", "retained", retain: true) }
        let subscriber = broker.connect("s")
        _ = subscriber.takeAll()
        subscriber.subscribe("t/#", settles: false)
        subscriber.send(.pingRequest, settles: false)
        publisher.publish("t/x", "live", settles: false)
        broker.settle()
        let packets = subscriber.takeAll()
        #expect(packets.count == 103)
        guard case .subscribeAcknowledgement = packets.first, case .publish(let live)? = packets.dropLast().last else {
            Issue.record("unexpected order: \(packets)")
            return
        }
        #expect(String(buffer: live.payload) == "live")
        #expect(packets.last == .pingResponse)
    }

    @Test("A look-up ends with the connection that asked", arguments: [1, 3])
    func cancelled(shards: Int) {
        let broker = SimulatedBroker(shards: shards, limits: limits(steps: 10))
        let publisher = broker.connect("p")
        for topic in 0..<1000 { publisher.publish("t/\(topic)", "x", retain: true) }
        let subscriber = broker.connect("s")
        subscriber.subscribe("t/#", settles: false)
        // Long enough for the look-ups to begin.
        for _ in 0..<10 where broker.shards.allSatisfy({ $0.shard.lookUps.isEmpty }) { broker.step() }
        #expect(broker.shards.contains { !$0.shard.lookUps.isEmpty })
        let before = broker.now
        broker.drop(subscriber, settles: false)
        while broker.step() {}
        #expect(broker.shards.allSatisfy { $0.shard.lookUps.isEmpty })
        #expect(broker.now == before)
    }

    @Test("Deadlines that are due at one instant are carried out in ticks of so many steps")
    func deadlines() {
        let broker = SimulatedBroker(limits: limits(steps: 10))
        for number in 0..<100 { broker.drop(broker.connect("\(number)", expiry: 60)) }
        broker.standStill(for: .seconds(60))
        #expect(broker.shards[0].shard.sessionCount == 100)
        for left in stride(from: 90, through: 0, by: -10) {
            broker.advance(by: left == 90 ? .zero : Pace.period)
            #expect(broker.shards[0].shard.sessionCount == left)
            // The ticks before this one.
            #expect(broker.counters.ticksExhausted == UInt64(90 - left) / 10)
        }
        #expect(broker.shards[0].shard.nextDeadline == nil)
    }
}
