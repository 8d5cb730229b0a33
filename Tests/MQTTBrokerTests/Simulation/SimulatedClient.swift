import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// The other end of a simulated connection: keeps every packet that it is sent.
final class SimulatedClient {
    let broker: SimulatedBroker
    let shard: Int
    let connection: Connection
    let version: ProtocolVersion
    var isClosed = false
    /// Data streams beside it.
    var streams: [SimulatedClient] = []
    /// Everything received and not taken.
    private(set) var inbox: [Packet] = []

    private var decoder: PacketDecoder
    private var bytes = ByteBuffer()

    init(broker: SimulatedBroker, shard: Int, connection: Connection, version: ProtocolVersion) {
        self.broker = broker
        self.shard = shard
        self.connection = connection
        self.version = version
        decoder = PacketDecoder(role: .client, maximumPacketSize: 10_000_000, version: version)
    }

    func take(_ octets: ByteBuffer) {
        bytes.writeImmutableBuffer(octets)
        do {
            while let packet = try decoder.next(from: &bytes) { inbox.append(packet) }
        } catch {
            Issue.record("the broker sent what cannot be decoded: \(error)")
        }
    }

    /// The last two packets change places if both are acknowledgements of one kind.
    func reorderAcknowledgements() {
        guard inbox.count >= 2, case .acknowledgement(let last) = inbox[inbox.count - 1],
            case .acknowledgement(let earlier) = inbox[inbox.count - 2], last.kind == earlier.kind
        else { return }
        inbox.swapAt(inbox.count - 1, inbox.count - 2)
    }

    func send(_ packets: Packet..., settles: Bool = true) {
        var octets = ByteBuffer()
        for packet in packets { octets.write(packet, version: version) }
        broker.receive(octets, from: self, settles: settles)
    }

    func send(octets: [UInt8]) { broker.receive(ByteBuffer(bytes: octets), from: self, settles: true) }

    func subscribe(
        _ filter: String,
        qos: QualityOfService = .atMostOnce,
        noLocal: Bool = false,
        retainAsPublished: Bool = false,
        retainHandling: SubscriptionOptions.RetainHandling = .send,
        identifier: UInt32? = nil,
        settles: Bool = true
    ) {
        let options = SubscriptionOptions(
            maximumQoS: qos,
            noLocal: noLocal,
            retainAsPublished: retainAsPublished,
            retainHandling: retainHandling
        )
        send(
            .subscribe(
                Subscribe(
                    packetIdentifier: 1,
                    subscriptions: [.init(topicFilter: filter, options: options)],
                    subscriptionIdentifier: identifier
                )
            ),
            settles: settles
        )
    }

    func publish(
        _ topic: String,
        _ payload: String,
        qos: QualityOfService = .atMostOnce,
        identifier: UInt16 = 0,
        retain: Bool = false,
        isDuplicate: Bool = false,
        properties: PublishProperties = PublishProperties(),
        settles: Bool = true
    ) {
        send(
            .publish(
                Publish(
                    topic: ByteBuffer(string: topic),
                    payload: ByteBuffer(string: payload),
                    qos: qos,
                    packetIdentifier: identifier,
                    retain: retain,
                    isDuplicate: isDuplicate,
                    properties: properties
                )
            ),
            settles: settles
        )
    }

    func disconnect(_ reason: ReasonCode = .normalDisconnection, expiry: UInt32? = nil) {
        send(.disconnect(Disconnect(reasonCode: reason, sessionExpiryInterval: expiry)))
    }

    /// Takes everything that has come.
    func takeAll() -> [Packet] {
        defer { inbox = [] }
        return inbox
    }

    /// Takes the PUBLISH packets that have come and leaves the rest.
    func takePublishes() -> [Publish] {
        let publishes = inbox.compactMap { packet -> Publish? in
            if case .publish(let publish) = packet { publish } else { nil }
        }
        inbox.removeAll { if case .publish = $0 { true } else { false } }
        return publishes
    }

    /// Takes the payloads of the PUBLISH packets that have come.
    func takePayloads() -> [String] { takePublishes().map { String(buffer: $0.payload) } }

    /// Takes the CONNACK that must have come.
    func connectAcknowledgement() throws -> ConnectAcknowledgement {
        for (index, packet) in inbox.enumerated() {
            if case .connectAcknowledgement(let acknowledgement) = packet {
                inbox.remove(at: index)
                return acknowledgement
            }
        }
        throw Missing(what: "CONNACK")
    }

    /// The reason of the DISCONNECT that has come.
    var disconnectReason: ReasonCode? {
        for case .disconnect(let disconnect) in inbox { return disconnect.reasonCode }
        return nil
    }

    struct Missing: Error { let what: String }
}
