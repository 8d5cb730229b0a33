import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// A client that publishes as the standard asks: what is not acknowledged it sends again with its packet identifier, in order
/// [MQTT-4.4.0-1].
final class DurablePublisher {
    let name: String
    private let version: ProtocolVersion
    private let broker: SimulatedBroker
    private var client: SimulatedClient?
    private var isConnected = false
    private var lastIdentifier: UInt16 = 0
    /// Of messages.
    private(set) var sentCount = 0
    private var pending: [Exchange] = []
    private var log: [(qos: QualityOfService, payload: String, retain: Bool)] = []
    /// When a message that expires has expired, by its payload.
    private(set) var expiries: [String: Int64] = [:]
    /// Messages that may have been refused while the store was full, without the client being told.
    private(set) var uncertain: Set<String> = []
    /// Messages that were refused the only time that they were sent.
    private(set) var refused: Set<String> = []

    /// Messages that were sent on more than one connection.
    private(set) var sentAgain: Set<String> = []

    private struct Exchange {
        let identifier: UInt16
        let qos: QualityOfService
        let payload: String
        let retain: Bool
        /// Seconds.
        let expiryInterval: UInt32?
        var isRecorded = false
        var wasSentAgain = false
    }

    init(name: String, version: ProtocolVersion, broker: SimulatedBroker) {
        self.name = name
        self.version = version
        self.broker = broker
    }

    var isIdle: Bool { pending.isEmpty }
    /// True if the broker has ended the connection.
    var isClosed: Bool { client?.isClosed ?? true }

    /// What is due to everybody: messages that do not expire.
    func sent(_ qos: QualityOfService) -> [String] {
        log.filter { $0.qos == qos && expiries[$0.payload] == nil }.map(\.payload)
    }

    /// The messages at QoS 1 behind the first `count` that the broker has taken, and that do not expire. One at QoS 2 of a durable client is taken
    /// before subscribers get it.
    func acknowledged(after count: Int) -> [String] {
        let waiting = Set(pending.filter { !$0.isRecorded }.map(\.payload))
        return log.filter { item in
            guard item.qos == .atLeastOnce, expiries[item.payload] == nil, !waiting.contains(item.payload) else {
                return false
            }
            return item.payload.split(separator: ":").last.flatMap { Int($0) } ?? 0 > count
        }.map(\.payload)
    }

    /// Of each topic.
    var lastRetained: [String] {
        [QualityOfService.atLeastOnce, .exactlyOnce].compactMap { qos in
            log.last { $0.qos == qos && $0.retain }?.payload
        }
    }

    func connect(on shard: Int) {
        isConnected = false
        client = broker.connect(
            name,
            on: shard,
            version: version,
            cleanStart: false,
            expiry: version == .v5 ? 100_000 : nil,
            settles: false
        )
    }

    /// Publishes a message that expires, which one of MQTT 3 does not, or is one of those that are due.
    func publish(_ qos: QualityOfService, retain: Bool, expiryInterval: UInt32? = nil) {
        guard isConnected, pending.count < 20 else { return }
        let expiryInterval = version == .v5 ? expiryInterval : nil
        // Few, so that they are used again soon: an exchange that is forgotten too late takes the next one's message.
        repeat { lastIdentifier = lastIdentifier % 25 + 1 } while pending.contains { $0.identifier == lastIdentifier }
        sentCount += 1
        let payload = "\(name):\(expiryInterval == nil ? "\(qos.rawValue)" : "e"):\(sentCount)"
        log.append((qos, payload, retain))
        let exchange = Exchange(
            identifier: lastIdentifier,
            qos: qos,
            payload: payload,
            retain: retain,
            expiryInterval: expiryInterval
        )
        pending.append(exchange)
        send(exchange, isDuplicate: false)
    }

    /// Publishes at QoS 0.
    func publishAtMostOnce() {
        guard isConnected else { return }
        sentCount += 1
        client?.publish(topic(.atMostOnce), "\(name):0:\(sentCount)", settles: false)
    }

    func topic(_ qos: QualityOfService) -> String { "load/\(name)/\(qos.rawValue)" }

    private func send(_ exchange: Exchange, isDuplicate: Bool) {
        var properties = PublishProperties()
        if let interval = exchange.expiryInterval {
            properties.values.messageExpiryInterval = interval
            expiries[exchange.payload] = broker.now.wall + Int64(interval) * 1000
        }
        client?.publish(
            topic(exchange.qos),
            exchange.payload,
            qos: exchange.qos,
            identifier: exchange.identifier,
            retain: exchange.retain,
            isDuplicate: isDuplicate,
            properties: properties,
            settles: false
        )
    }

    /// Takes what has come; returns whether there was anything.
    @discardableResult
    func read(whileFull isFull: Bool = false) -> Bool {
        if isFull, version == .v5 { uncertain.formUnion(pending.map(\.payload)) }
        guard let client, !client.isClosed else { return false }
        let packets = client.takeAll()
        for packet in packets {
            switch packet {
            case .connectAcknowledgement where packet.isAcceptance:
                isConnected = true
                for (index, exchange) in pending.enumerated() {
                    if exchange.isRecorded {
                        release(exchange.identifier)
                    } else {
                        pending[index].wasSentAgain = true
                        sentAgain.insert(exchange.payload)
                        send(exchange, isDuplicate: true)
                    }
                }
            case .acknowledgement(let answer):
                guard let index = pending.firstIndex(where: { $0.identifier == answer.packetIdentifier }) else { break }
                switch answer.kind {
                case .received:
                    let earlier = pending[..<index].contains { $0.qos == .atLeastOnce }
                    #expect(!earlier, "acknowledgements keep the order of their PUBLISH [MQTT-4.6.0-2]")
                    let exchange = pending.remove(at: index)
                    if answer.reasonCode.isError { refused(exchange) }
                case .complete: pending.remove(at: index)
                case .recorded:
                    let earlier = pending[..<index].contains { $0.qos == .exactlyOnce && !$0.isRecorded }
                    #expect(!earlier, "acknowledgements keep the order of their PUBLISH [MQTT-4.6.0-3]")
                    if answer.reasonCode.isError {
                        refused(pending.remove(at: index))
                    } else {
                        pending[index].isRecorded = true
                        release(answer.packetIdentifier)
                    }
                case .release: break
                }
            case .disconnect(let disconnect) where broker.isUnexpected(disconnect.reasonCode):
                Issue.record("the only connection of \(name) is ended: \(disconnect.reasonCode)")
            default: break
            }
        }
        return !packets.isEmpty
    }

    /// The broker said that nobody has got a message; at QoS 1 that is so of this time only.
    private func refused(_ exchange: Exchange) {
        log.removeAll { $0.payload == exchange.payload }
        uncertain.insert(exchange.payload)
        if !exchange.wasSentAgain { refused.insert(exchange.payload) }
    }

    private func release(_ identifier: UInt16) {
        client?.send(.acknowledgement(PublishAcknowledgement(.release, identifier)), settles: false)
    }
}

extension Packet {
    /// True for a CONNACK that accepts the client.
    var isAcceptance: Bool {
        if case .connectAcknowledgement(let acknowledgement) = self {
            acknowledgement.reasonCode == .success
        } else {
            false
        }
    }
}
