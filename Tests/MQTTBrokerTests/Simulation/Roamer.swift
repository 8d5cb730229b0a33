import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// A client with a durable session that subscribes and unsubscribes, and has to get what is published, and acknowledged, between SUBACK and
/// UNSUBSCRIBE.
final class Roamer {
    let name: String
    private let broker: SimulatedBroker
    private let publishers: [DurablePublisher]
    /// Nobody else's filter tells the other nodes to hand these messages over.
    private let filter = "+/+/1"
    private var client: SimulatedClient?
    private var isChanging = false
    /// True from SUBACK to UNSUBSCRIBE.
    private(set) var isSubscribed = false
    private var isPromised = false
    /// Messages of each publisher that were sent when SUBACK came.
    private var sentBefore: [Int] = []
    private(set) var due: Set<String> = []
    private(set) var received: Set<String> = []

    init(name: String, broker: SimulatedBroker, publishers: [DurablePublisher]) {
        self.name = name
        self.broker = broker
        self.publishers = publishers
    }

    var isClosed: Bool { client?.isClosed ?? true }

    func connect(on shard: Int) {
        // Whether SUBSCRIBE or UNSUBSCRIBE was carried out is not known.
        if isChanging { isSubscribed = false }
        isChanging = false
        isPromised = false
        client = broker.connect(name, on: shard, cleanStart: false, expiry: 100_000, settles: false)
    }

    func change() {
        guard let client, isPromised, !isChanging, !client.isClosed else { return }
        isChanging = true
        if isSubscribed {
            note()
            isSubscribed = false
            client.send(.unsubscribe(Unsubscribe(packetIdentifier: 2, topicFilters: [filter])), settles: false)
        } else {
            client.subscribe(filter, qos: .atLeastOnce, retainHandling: .doNotSend, settles: false)
        }
    }

    /// What was acknowledged since SUBACK is due.
    private func note() {
        for (publisher, sent) in zip(publishers, sentBefore) { due.formUnion(publisher.acknowledged(after: sent)) }
    }

    @discardableResult
    func read() -> Bool {
        guard let client, !client.isClosed else { return false }
        if isSubscribed { note() }
        let packets = client.takeAll()
        for packet in packets {
            switch packet {
            case .connectAcknowledgement where packet.isAcceptance: isPromised = true
            case .subscribeAcknowledgement:
                isChanging = false
                isSubscribed = true
                sentBefore = publishers.map(\.sentCount)
                // A node that does not know of the subscription yet would not hand this over.
                for publisher in publishers { publisher.publish(.atLeastOnce, retain: false) }
            case .unsubscribeAcknowledgement: isChanging = false
            case .publish(let publish):
                received.insert(String(buffer: publish.payload))
                guard publish.qos == .atLeastOnce else { break }
                let answer = PublishAcknowledgement(.received, publish.packetIdentifier)
                client.send(.acknowledgement(answer), settles: false)
            default: break
            }
        }
        return !packets.isEmpty
    }
}
