import MQTTCodec
import NIOCore

@testable import MQTTBroker

/// A client with a durable session that dies now and then, and leaves a will each time.
final class MortalClient {
    let name: String
    private let broker: SimulatedBroker
    private var client: SimulatedClient?
    private var number = 0
    /// Those of all connections.
    private(set) var wills: [String: QualityOfService] = [:]

    init(name: String, broker: SimulatedBroker) {
        self.name = name
        self.broker = broker
    }

    /// That of the last connection.
    var lastWill: String { "will \(number)" }

    func connect(on shard: Int) {
        // A take-over is an end of the connection, too.
        number += 1
        var will = Connect.Will(
            topic: ByteBuffer(string: "will"),
            payload: ByteBuffer(string: lastWill),
            qos: number % 2 == 0 ? .exactlyOnce : .atLeastOnce
        )
        will.properties.values.willDelayInterval = [nil, 3, 20][number % 3]
        wills[lastWill] = will.qos
        client = broker.connect(name, on: shard, cleanStart: false, expiry: 100_000, will: will, settles: false)
    }

    func read() { _ = client?.takeAll() }

    func drop() {
        if let client, !client.isClosed { broker.drop(client, settles: false) }
        client = nil
    }

    func crashed() { client = nil }

    /// Connects, is told so, and dies.
    func leaveForGood(on shard: Int) {
        // An older CONNECT that is under way would take the session over.
        broker.settle()
        connect(on: shard)
        broker.settle()
        drop()
    }
}
