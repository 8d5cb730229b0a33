import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// A client that publishes as the standard asks: what is not acknowledged it sends again with its packet identifier, in order
/// [MQTT-4.4.0-1].
final class DurablePublisher {
    let name: String
    private let broker: SimulatedBroker
    private var client: SimulatedClient?
    private var isConnected = false
    private var lastIdentifier: UInt16 = 0
    private var pending: [Exchange] = []
    private var log: [(qos: QualityOfService, payload: String, retain: Bool)] = []
    /// When a message that expires has expired, by its payload.
    private(set) var expiries: [String: Int64] = [:]

    private struct Exchange {
        let identifier: UInt16
        let qos: QualityOfService
        let payload: String
        let retain: Bool
        /// Seconds.
        let expiryInterval: UInt32?
        var isRecorded = false
    }

    init(name: String, broker: SimulatedBroker) {
        self.name = name
        self.broker = broker
    }

    var isIdle: Bool { pending.isEmpty }

    /// What is due to everybody: messages that do not expire.
    func sent(_ qos: QualityOfService) -> [String] {
        log.filter { $0.qos == qos && expiries[$0.payload] == nil }.map(\.payload)
    }

    /// Of each topic.
    var lastRetained: [String] {
        [QualityOfService.atLeastOnce, .exactlyOnce].compactMap { qos in
            log.last { $0.qos == qos && $0.retain }?.payload
        }
    }

    func connect(on shard: Int) {
        isConnected = false
        client = broker.connect(name, on: shard, cleanStart: false, expiry: 100_000, settles: false)
    }

    /// Publishes a message that expires or is one of those that are due. Returns its payload.
    @discardableResult
    func publish(_ qos: QualityOfService, retain: Bool, expiryInterval: UInt32? = nil) -> String? {
        guard isConnected, pending.count < 20 else { return nil }
        // Few, so that they are used again soon: an exchange that is forgotten too late takes the next one's message.
        repeat { lastIdentifier = lastIdentifier % 25 + 1 } while pending.contains { $0.identifier == lastIdentifier }
        let payload = "\(name):\(expiryInterval == nil ? "\(qos.rawValue)" : "e"):\(log.count)"
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
        return payload
    }

    private func send(_ exchange: Exchange, isDuplicate: Bool) {
        var properties = PublishProperties()
        if let interval = exchange.expiryInterval {
            properties.values.messageExpiryInterval = interval
            expiries[exchange.payload] = broker.now.wall + Int64(interval) * 1000
        }
        client?.publish(
            "load/\(name)/\(exchange.qos.rawValue)",
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
    func read() -> Bool {
        guard let client, !client.isClosed else { return false }
        let packets = client.takeAll()
        for packet in packets {
            switch packet {
            case .connectAcknowledgement:
                isConnected = true
                for exchange in pending {
                    if exchange.isRecorded {
                        release(exchange.identifier)
                    } else {
                        send(exchange, isDuplicate: true)
                    }
                }
            case .acknowledgement(let answer):
                guard let index = pending.firstIndex(where: { $0.identifier == answer.packetIdentifier }) else { break }
                switch answer.kind {
                case .received:
                    let earlier = pending[..<index].contains { $0.qos == .atLeastOnce }
                    #expect(!earlier, "acknowledgements keep the order of their PUBLISH [MQTT-4.6.0-2]")
                    pending.remove(at: index)
                case .complete: pending.remove(at: index)
                case .recorded:
                    let earlier = pending[..<index].contains { $0.qos == .exactlyOnce && !$0.isRecorded }
                    #expect(!earlier, "acknowledgements keep the order of their PUBLISH [MQTT-4.6.0-3]")
                    pending[index].isRecorded = true
                    release(answer.packetIdentifier)
                case .release: break
                }
            default: break
            }
        }
        return !packets.isEmpty
    }

    private func release(_ identifier: UInt16) {
        client?.send(.acknowledgement(PublishAcknowledgement(.release, identifier)), settles: false)
    }
}
