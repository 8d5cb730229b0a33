import MQTTCodec

@testable import MQTTBroker

/// A client that comes once, with a durable session of its own, and knows what it was promised.
final class Visitor {
    let name: String
    private let client: SimulatedClient
    /// True once the broker has said that it has the session.
    private(set) var isPromised = false
    /// Whether the session is subscribed, as the broker has said last; `nil` while it has not, or an answer is due.
    private(set) var isSubscribed: Bool?
    private var isChanging = false

    init(name: String, broker: SimulatedBroker, shard: Int) {
        self.name = name
        client = broker.connect(name, on: shard, cleanStart: false, expiry: 100_000, settles: false)
    }

    /// Subscribes, or unsubscribes if it is subscribed.
    func change() {
        guard isPromised, !isChanging, !client.isClosed else { return }
        isChanging = true
        let wasSubscribed = isSubscribed ?? false
        isSubscribed = nil
        if wasSubscribed {
            client.send(.unsubscribe(Unsubscribe(packetIdentifier: 2, topicFilters: [Self.filter])), settles: false)
        } else {
            client.subscribe(Self.filter, qos: .exactlyOnce, settles: false)
        }
    }

    /// Ends its session.
    func leave() {
        guard isPromised, !client.isClosed else { return }
        isPromised = false
        isSubscribed = nil
        client.send(.disconnect(Disconnect(reasonCode: .normalDisconnection, sessionExpiryInterval: 0)), settles: false)
    }

    func read() {
        for packet in client.takeAll() {
            switch packet {
            case .connectAcknowledgement where packet.isAcceptance: isPromised = true
            case .subscribeAcknowledgement(let answer):
                isChanging = false
                isSubscribed = answer.reasonCodes.contains(where: \.isError) ? nil : true
            case .unsubscribeAcknowledgement:
                isChanging = false
                isSubscribed = false
            default: break
            }
        }
    }

    private static let filter = "news"
}
