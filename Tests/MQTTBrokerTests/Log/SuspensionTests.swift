import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// What a shard does while the store takes nothing that makes it fuller, and afterwards.
@Suite struct SuspensionTests {
    /// A broker with a durable session that is away and has subscribed to `kept/#`, and one on `transient`.
    private struct Scene {
        let broker: SimulatedBroker
        let reader: SimulatedClient

        init(shards: Int = 1, limits: Limits = Limits()) {
            broker = SimulatedBroker(shards: shards, limits: limits, hasStore: true)
            let away = broker.connect("away", on: shards - 1, expiry: 1_000)
            away.subscribe("kept/#", qos: .exactlyOnce)
            broker.drop(away)
            reader = broker.connect("reader")
            reader.subscribe("#", qos: .exactlyOnce)
            _ = reader.takeAll()
        }

        func publisher(_ version: ProtocolVersion = .v5, _ identifier: String = "publisher") -> SimulatedClient {
            let publisher = broker.connect(identifier, version: version, keepAlive: 10)
            _ = publisher.takeAll()
            return publisher
        }

        /// What the durable session finds when it is back.
        func fetch() -> [String] {
            let back = broker.connect("away", cleanStart: false, expiry: 1_000)
            defer { broker.drop(back) }
            return back.takePayloads()
        }
    }

    private static func answer(
        _ kind: PublishAcknowledgement.Kind,
        _ identifier: UInt16,
        _ reason: ReasonCode = .success
    ) -> Packet { .acknowledgement(PublishAcknowledgement(kind, identifier, reasonCode: reason)) }

    @Test("MQTT 5.0: what would be kept is refused with 0x97 before anybody gets it", arguments: [1, 3])
    func refused(shards: Int) {
        let scene = Scene(shards: shards)
        let publisher = scene.publisher()
        scene.broker.suspend(.space)
        publisher.publish("kept/a", "no", qos: .atLeastOnce, identifier: 1)
        publisher.publish("kept/a", "no", qos: .exactlyOnce, identifier: 2)
        publisher.publish("retained", "no", qos: .atLeastOnce, identifier: 3, retain: true)
        #expect(
            publisher.takeAll() == [
                Self.answer(.received, 1, .quotaExceeded), Self.answer(.recorded, 2, .quotaExceeded),
                Self.answer(.received, 3, .quotaExceeded),
            ]
        )
        #expect(scene.reader.takePayloads().isEmpty)
        #expect(scene.broker.total(\.messagesRefused) == 3)

        scene.broker.suspend(nil)
        // The packet identifiers are free again [MQTT-4.3.3-9].
        publisher.publish("kept/a", "yes", qos: .atLeastOnce, identifier: 1)
        publisher.publish("kept/a", "yes, once", qos: .exactlyOnce, identifier: 2)
        #expect(publisher.takeAll() == [Self.answer(.received, 1), Self.answer(.recorded, 2)])
        #expect(scene.reader.takePayloads() == ["yes", "yes, once"])
        #expect(scene.fetch() == ["yes", "yes, once"])
    }

    @Test(
        "A durable client's QoS 2 is refused whoever would get it, since its own lane keeps it",
        arguments: [0, 1, 2]
    )
    func exactlyOnceOfDurable(shard: Int) {
        let scene = Scene(shards: 3)
        let publisher = scene.broker.connect("publisher", on: shard, expiry: 100)
        _ = publisher.takeAll()
        scene.broker.suspend(.space)
        publisher.publish("transient", "no", qos: .exactlyOnce, identifier: 1)
        publisher.publish("transient", "yes", qos: .atLeastOnce, identifier: 2)
        #expect(
            Set(publisher.takeAll().map(String.init(describing:)))
                == Set(
                    [Self.answer(.recorded, 1, .quotaExceeded), Self.answer(.received, 2)].map(String.init(describing:))
                )
        )
        #expect(scene.reader.takePayloads() == ["yes"])
    }

    @Test("QoS 0, transient subscribers, pings, and what frees space go on")
    func goesOn() throws {
        let scene = Scene()
        let publisher = scene.publisher()
        publisher.publish("kept/a", "before", qos: .atLeastOnce, identifier: 1)
        publisher.publish("retained", "before", qos: .atLeastOnce, identifier: 2, retain: true)
        _ = (publisher.takeAll(), scene.reader.takeAll())
        scene.broker.suspend(.space)
        publisher.publish("kept/a", "zero")
        publisher.publish("transient", "one", qos: .atLeastOnce, identifier: 3)
        publisher.publish("retained", "", qos: .atLeastOnce, identifier: 4, retain: true)
        publisher.send(.pingRequest)
        #expect(publisher.takeAll() == [Self.answer(.received, 3), Self.answer(.received, 4), .pingResponse])
        #expect(scene.reader.takePayloads() == ["zero", "one", ""])
        #expect(scene.broker.shards[0].shard.retainedCount == 0)

        // The durable session comes back, gets what waited for it, and that is logged.
        let back = scene.broker.connect("away", cleanStart: false, expiry: 1_000)
        #expect(try back.connectAcknowledgement().sessionPresent)
        let message = try #require(back.takePublishes().first)
        #expect(String(buffer: message.payload) == "before")
        back.send(Self.answer(.received, message.packetIdentifier))
        scene.broker.drop(back)
        scene.broker.crash(shards: 1)
        let again = scene.broker.connect("away", cleanStart: false, expiry: 1_000)
        #expect(again.takePayloads().isEmpty)
    }

    @Test("QoS 0 with RETAIN is delivered and not retained, and takes the place of what was retained")
    func retained() {
        let scene = Scene(shards: 2)
        let publisher = scene.publisher()
        publisher.publish("retained", "old", retain: true)
        scene.broker.suspend(.disk)
        publisher.publish("retained", "new", retain: true)
        #expect(scene.reader.takePayloads() == ["old", "new"])
        #expect(scene.broker.total(\.retainedMessagesRefused) == 1)
        let late = scene.broker.connect("late")
        late.subscribe("retained")
        #expect(late.takePayloads().isEmpty)
    }

    @Test("A CONNECT for a new durable session is refused, and neither existing sessions nor transient ones are")
    func connects() throws {
        let scene = Scene(shards: 2)
        let transient = scene.broker.connect("client")
        scene.broker.suspend(.space)
        let five = scene.broker.connect("client", expiry: 100)
        #expect(try five.connectAcknowledgement().reasonCode == .quotaExceeded)
        #expect(five.isClosed)
        // Nothing was taken over for it.
        #expect(!transient.isClosed)
        let three = scene.broker.connect("three", version: .v3_1_1, cleanStart: false)
        #expect(try three.connectAcknowledgement().reasonCode == .serverUnavailable)
        #expect(scene.broker.total(\.sessionsRefused) == 2)
        #expect(try scene.broker.connect("new").connectAcknowledgement().reasonCode == .success)
        let empty = scene.broker.connect("away", expiry: 100)
        #expect(try empty.connectAcknowledgement().reasonCode == .success)
        scene.broker.suspend(nil)
        #expect(try scene.broker.connect("client", expiry: 100).connectAcknowledgement().reasonCode == .success)
        #expect(transient.isClosed)
    }

    @Test("Nobody gets a durable session while nothing can be written, since CONNACK would wait for that")
    func unwritable() throws {
        let scene = Scene(shards: 2)
        scene.broker.suspend(.disk)
        for (identifier, cleanStart) in [("away", false), ("away", true), ("new", true)] {
            let client = scene.broker.connect(identifier, cleanStart: cleanStart, expiry: 100)
            #expect(try client.connectAcknowledgement().reasonCode == .serverUnavailable)
        }
        #expect(try scene.broker.connect("new").connectAcknowledgement().reasonCode == .success)
        scene.broker.suspend(nil)
        let back = scene.broker.connect("away", cleanStart: false, expiry: 100)
        #expect(try back.connectAcknowledgement().sessionPresent)
    }

    @Test("SUBSCRIBE of a durable session to a new filter is refused, and to one that it has is not")
    func subscribes() {
        let scene = Scene(shards: 2)
        let five = scene.broker.connect("away", cleanStart: false, expiry: 100)
        let three = scene.broker.connect("transient", version: .v3_1_1)
        _ = (five.takeAll(), three.takeAll())
        scene.broker.suspend(.space)
        five.subscribe("kept/#", qos: .atLeastOnce)
        five.subscribe("new", qos: .atLeastOnce)
        three.subscribe("new", qos: .atLeastOnce)
        let granted = [five, three].flatMap { client in
            client.takeAll().compactMap { packet -> [ReasonCode]? in
                if case .subscribeAcknowledgement(let acknowledgement) = packet {
                    acknowledgement.reasonCodes
                } else {
                    nil
                }
            }
        }
        #expect(granted == [[.grantedQoS1], [.quotaExceeded], [.grantedQoS1]])
    }

    // MARK: - MQTT 3

    @Test("MQTT 3: messages wait in their order, get no answer, and are taken when there is space", arguments: [1, 3])
    func withheld(shards: Int) {
        let scene = Scene(shards: shards)
        let publisher = scene.publisher(.v3_1_1)
        scene.broker.suspend(.space)
        publisher.publish("kept/a", "1", qos: .atLeastOnce, identifier: 1)
        publisher.publish("transient", "2", qos: .atLeastOnce, identifier: 2)
        publisher.publish("kept/a", "3", qos: .exactlyOnce, identifier: 3)
        publisher.publish("kept/a", "4", qos: .exactlyOnce, identifier: 3, isDuplicate: true)
        publisher.publish("kept/a", "zero")
        publisher.send(.pingRequest)
        #expect(publisher.takeAll() == [.pingResponse])
        #expect(scene.reader.takePayloads() == ["zero"])
        #expect(scene.broker.total(\.messagesWithheld) == 4)

        scene.broker.suspend(nil)
        scene.broker.advance(by: .milliseconds(10))
        #expect(
            publisher.takeAll() == [
                Self.answer(.received, 1), Self.answer(.received, 2), Self.answer(.recorded, 3),
                Self.answer(.recorded, 3),
            ]
        )
        #expect(scene.reader.takePayloads() == ["1", "2", "3"])
        #expect(scene.fetch() == ["zero", "1", "3"])
        // From here on they do not wait.
        publisher.publish("kept/a", "5", qos: .atLeastOnce, identifier: 5, settles: false)
        #expect(scene.broker.total(\.messagesWithheld) == 4)
    }

    @Test("Messages that were withheld are taken some at a time") func pace() {
        var limits = Limits()
        limits.maximumStepsPerTick = 3
        let scene = Scene(limits: limits)
        let publishers = (0..<2).map { scene.publisher(.v3_1_1, "publisher \($0)") }
        scene.broker.suspend(.space)
        for number in 0..<5 {
            for (index, publisher) in publishers.enumerated() {
                publisher.publish("transient/\(index)", "\(number)", qos: .atLeastOnce, identifier: UInt16(number + 1))
                publisher.publish("kept/\(index)", "\(number)", qos: .atLeastOnce, identifier: UInt16(number + 11))
            }
        }
        _ = scene.reader.takePayloads()
        scene.broker.suspend(nil, settles: false)
        #expect(scene.reader.takePayloads().count <= 6)
        scene.broker.advance(by: .seconds(1))
        for publisher in publishers { #expect(publisher.takeAll().count == 10) }
        #expect(scene.broker.total(\.ticksExhausted) > 0)
    }

    @Test("A client that goes takes its messages along, which nobody was promised") func gone() {
        let scene = Scene()
        let publisher = scene.publisher(.v3_1_1)
        scene.broker.suspend(.space)
        publisher.publish("kept/a", "1", qos: .atLeastOnce, identifier: 1)
        scene.broker.drop(publisher)
        #expect(scene.broker.shards[0].shard.withheldOctets == 0)
        scene.broker.suspend(nil)
        scene.broker.advance(by: .milliseconds(10))
        #expect(scene.fetch().isEmpty)
    }

    @Test("At the bound the client is not read, and ended when its time is over", arguments: [0, 1, 2])
    func heldUp(shard: Int) {
        var limits = Limits()
        limits.maximumWithheld = 3
        limits.maximumHoldUp = .seconds(30)
        let scene = Scene(shards: 3, limits: limits)
        // At QoS 2 the messages wait at the home of the session, wherever that is.
        let publisher = scene.broker.connect("publisher", on: shard, version: .v3_1_1, cleanStart: false, keepAlive: 10)
        _ = publisher.takeAll()
        scene.broker.suspend(.space)
        for identifier in 1...2 as ClosedRange<UInt16> {
            publisher.publish("kept/a", "x", qos: .exactlyOnce, identifier: identifier)
        }
        #expect(!publisher.connection.isReadingPaused)
        publisher.publish("kept/a", "x", qos: .exactlyOnce, identifier: 3)
        #expect(publisher.connection.isReadingPaused)
        scene.broker.advance(by: .seconds(29))
        #expect(!publisher.isClosed)
        scene.broker.advance(by: .seconds(2))
        #expect(publisher.isClosed)
        #expect(scene.broker.total(\.holdUpTimeouts) == 1)
        #expect(scene.broker.total(\.keepAliveTimeouts) == 0)
    }

    @Test("A client that is not read any more is read again when there is space, and then judged by its silence")
    func readAgain() {
        var limits = Limits()
        limits.maximumWithheld = 1
        let scene = Scene(shards: 3, limits: limits)
        let publishers = (0..<3).map { shard in
            scene.broker.connect("p\(shard)", on: shard, version: .v3_1_1, cleanStart: false, keepAlive: 10)
        }
        scene.broker.suspend(.disk)
        for publisher in publishers {
            publisher.publish("kept/a", "x", qos: .exactlyOnce, identifier: 1)
            #expect(publisher.connection.isReadingPaused)
        }
        scene.broker.advance(by: .seconds(25))
        scene.broker.suspend(nil)
        scene.broker.advance(by: .milliseconds(10))
        for publisher in publishers {
            #expect(!publisher.isClosed && !publisher.connection.isReadingPaused)
        }
        scene.broker.advance(by: .seconds(20))
        for publisher in publishers { #expect(publisher.isClosed) }
        #expect(scene.broker.total(\.keepAliveTimeouts) == 3)
    }

    @Test("All connections together are bounded by octets, and read again when some have gone") func allTogether() {
        var limits = Limits()
        limits.maximumWithheldBytesOfAll = 4_000
        let scene = Scene(limits: limits)
        let publishers = (0..<3).map { scene.publisher(.v3_1_1, "publisher \($0)") }
        let text = String(repeating: "x", count: 1_500)
        scene.broker.suspend(.space)
        for publisher in publishers { publisher.publish("kept/a", text, qos: .atLeastOnce, identifier: 1) }
        #expect(publishers.map(\.connection.isReadingPaused) == [false, false, true])
        publishers[0].publish("kept/a", text, qos: .atLeastOnce, identifier: 2)
        #expect(publishers.map(\.connection.isReadingPaused) == [true, false, true])
        scene.broker.drop(publishers[0])
        #expect(publishers[2].connection.isReadingPaused == false)
        scene.broker.suspend(nil)
        scene.broker.advance(by: .milliseconds(10))
        #expect(scene.broker.shards[0].shard.withheldOctets == 0)
    }
}
