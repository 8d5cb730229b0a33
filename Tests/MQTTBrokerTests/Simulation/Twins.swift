import MQTTCodec
import Testing

@testable import MQTTBroker

/// Clients with one client identifier and without a durable session: of all that connect, the last one stays [MQTT-3.1.4-3].
final class Twins {
    static let name = "twin"

    private let broker: SimulatedBroker
    private var clients: [SimulatedClient] = []

    init(broker: SimulatedBroker) { self.broker = broker }

    func connect(on shard: Int) { clients.append(broker.connect(Self.name, on: shard, settles: false)) }

    /// How many of them are connected.
    var count: Int { clients.count { !$0.isClosed } }

    /// True if the one that stays has its CONNACK.
    var isAccepted: Bool {
        clients.last { !$0.isClosed }?.takeAll().contains { $0.isAcceptance } ?? false
    }
}
