import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// A client with a durable session that takes everything, and remembers over its connections what it has recorded (MQTT 5.0 §4.3.3).
final class DurableSubscriber {
    let name: String
    let filters: [String]
    private let broker: SimulatedBroker
    private(set) var client: SimulatedClient?
    /// Payloads: those at QoS 2 once, the others as often as they came.
    private(set) var received: [String] = []
    /// Told of each payload when it comes.
    var onPayload: (String) -> Void = { _ in }
    private var recorded: Set<UInt16> = []
    private var unanswered: [Packet] = []

    init(name: String, filters: [String] = ["load/#"], broker: SimulatedBroker) {
        self.name = name
        self.filters = filters
        self.broker = broker
    }

    /// True if the broker has ended the connection.
    var isClosed: Bool { client?.isClosed ?? true }

    func connect(on shard: Int) {
        unanswered = []
        client = broker.connect(name, on: shard, cleanStart: false, expiry: 100_000, settles: false)
    }

    func subscribe() { for filter in filters { client?.subscribe(filter, qos: .exactlyOnce) } }

    /// True if a topic matches one of the filters.
    func wants(_ topic: String) -> Bool {
        let levels = topic.split(separator: "/")
        return filters.contains { filter in
            let wanted = filter.split(separator: "/")
            if wanted.last == "#" { return levels.starts(with: wanted.dropLast(), by: { $1 == "+" || $0 == $1 }) }
            return wanted.count == levels.count && zip(wanted, levels).allSatisfy { $0 == "+" || $0 == $1 }
        }
    }

    func drop(settles: Bool = true) {
        if let client, !client.isClosed { broker.drop(client, settles: settles) }
        client = nil
    }

    private func take(_ publish: Publish) {
        let payload = String(buffer: publish.payload)
        received.append(payload)
        if !publish.isDuplicate { onPayload(payload) }
    }

    /// Takes what has come; returns whether there was anything.
    @discardableResult
    func read(answering: Bool) -> Bool {
        guard let client, !client.isClosed else { return false }
        let packets = client.takeAll()
        for packet in packets {
            switch packet {
            case .publish(let publish) where publish.qos == .exactlyOnce:
                if recorded.insert(publish.packetIdentifier).inserted { take(publish) }
                unanswered.append(.acknowledgement(PublishAcknowledgement(.recorded, publish.packetIdentifier)))
            case .publish(let publish) where publish.qos == .atLeastOnce:
                take(publish)
                unanswered.append(.acknowledgement(PublishAcknowledgement(.received, publish.packetIdentifier)))
            case .publish(let publish): take(publish)
            case .acknowledgement(let answer) where answer.kind == .release:
                recorded.remove(answer.packetIdentifier)
                unanswered.append(.acknowledgement(PublishAcknowledgement(.complete, answer.packetIdentifier)))
            case .disconnect(let disconnect) where broker.isUnexpected(disconnect.reasonCode):
                Issue.record("the only connection of \(name) is ended: \(disconnect.reasonCode)")
            default: break
            }
        }
        if answering {
            for packet in unanswered { client.send(packet, settles: false) }
            unanswered = []
        }
        return !packets.isEmpty
    }
}
