import MQTTCodec
import Testing

@testable import MQTTBroker

/// A client that comes once, with a durable session of its own, and knows what it was promised.
final class Visitor {
    let name: String
    private let client: SimulatedClient
    private let broker: SimulatedBroker
    /// True once the client is away, and its session has a few seconds to live.
    private(set) var isExpiring = false
    /// Seconds.
    private let expiry: UInt32
    /// True if the session outlives the test without a connection, too.
    var isLasting: Bool { expiry >= 60 }
    /// True once the broker has said that it has the session.
    private(set) var isPromised = false
    /// Whether the session is subscribed, as the broker has said last; `nil` while it has not, or an answer is due.
    private(set) var isSubscribed: Bool?
    private var isChanging = false
    private var isSubscribing = false

    /// - Parameter expiry: how long the session outlives its connection, in seconds.
    init(name: String, broker: SimulatedBroker, shard: Int, expiry: UInt32 = 100_000) {
        self.name = name
        self.broker = broker
        self.expiry = expiry
        client = broker.connect(name, on: shard, cleanStart: false, expiry: expiry, settles: false)
    }

    /// Goes away without a word.
    func vanish() {
        guard !isLasting, isPromised, !client.isClosed, !broker.isAsleep(client.shard) else { return }
        isPromised = false
        isSubscribed = nil
        isExpiring = true
        broker.drop(client, settles: false)
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
            isSubscribing = true
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
                #expect(isSubscribing, "SUBACK comes once [MQTT-3.8.4-1]")
                isSubscribing = false
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
