import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// A client that ends its side of the transport behind its last packets gets their answers, which wait for commits.
@Suite struct EndOfInputTests {
    private struct Scene {
        let broker: SimulatedBroker
        /// A connection, or a data stream of one.
        let publisher: SimulatedClient

        /// - Parameter expiry: the publisher's; its home is in another shard than its connection, if there are two.
        init(shards: Int, onStream: Bool, expiry: UInt32?) throws {
            broker = SimulatedBroker(shards: shards, hasStore: true)
            let away = broker.connect("away", expiry: 100)
            away.subscribe("kept", qos: .exactlyOnce)
            broker.drop(away)
            let lane = Lane(clientHash: Session.identity(of: UTF8Key("publisher")))
            let client = broker.connect("publisher", on: shards - 1 - lane.leader(among: shards), expiry: expiry)
            publisher = onStream ? try broker.openStream(of: client) : client
            _ = (client.takeAll(), publisher.takeAll())
        }

        /// Lets shards tell each other all they have to, and nothing be committed.
        func exchange() {
            for shard in broker.shards.indices { broker.endTickNow(shard) }
            while broker.step() {}
        }
    }

    @Test(arguments: [QualityOfService.atLeastOnce, .exactlyOnce], [false, true])
    func answersPrecedeTheEnd(qos: QualityOfService, onStream: Bool) throws {
        for (shards, expiry) in [(1, nil), (2, nil), (1, 100), (2, 100)] as [(Int, UInt32?)] {
            let scene = try Scene(shards: shards, onStream: onStream, expiry: expiry)
            let (broker, publisher) = (scene.broker, scene.publisher)
            publisher.publish("kept", "x", qos: qos, identifier: 1, settles: false)
            broker.finish(publisher, settles: false)
            scene.exchange()
            #expect(publisher.takeAll().isEmpty)
            #expect(!publisher.connection.isClosed)
            broker.settle()
            let kind = qos == .atLeastOnce ? PublishAcknowledgement.Kind.received : .recorded
            #expect(publisher.takeAll() == [.acknowledgement(PublishAcknowledgement(kind, 1))])
            #expect(publisher.connection.isClosed)
        }
    }

    @Test("A subscription is answered, too", arguments: [1, 2]) func subscription(shards: Int) throws {
        let scene = try Scene(shards: shards, onStream: true, expiry: 100)
        scene.publisher.subscribe("a", qos: .atLeastOnce, settles: false)
        scene.broker.finish(scene.publisher)
        #expect(scene.publisher.takeAll().count == 1)
        #expect(scene.publisher.connection.isClosed)
    }

    @Test("No answer is waited for from a store that takes nothing") func suspended() throws {
        let scene = try Scene(shards: 1, onStream: false, expiry: nil)
        scene.publisher.publish("kept", "x", qos: .atLeastOnce, identifier: 1, settles: false)
        scene.broker.suspend(.space)
        scene.broker.finish(scene.publisher, settles: false)
        #expect(scene.publisher.connection.isClosed)
    }
}
