import MQTTBroker
import MQTTClient
import MQTTCodec
import NIOCore
import QUICTransport
import Testing

@testable import BrokerServer

/// Clients that change their address while messages are under way (RFC 9000 §9).
@Suite(.timeLimit(.minutes(10))) struct MigrationTests {
    private static let addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]

    @Test(
        "A client that changes its address keeps its session, and no message is lost or comes twice",
        arguments: [QUICEndpoint.Migration.active, .unnoticed],
        [QualityOfService.atLeastOnce, .exactlyOnce]
    )
    func messages(migration: QUICEndpoint.Migration, qos: QualityOfService) async throws {
        let moves = 6
        let each = 50
        try await RunningBroker.run(
            loops: 4,
            configure: { configuration in
                configuration.limits.maximumQueueLength = 100_000
            }
        ) { broker, _ in
            let mover = try broker.client("mover", over: .quic)
            _ = try await mover.connect()
            try await mover.subscribe("to/mover", qos: qos)
            let other = try broker.client("other", over: .tcp)
            _ = try await other.connect()
            try await other.subscribe("from/mover", qos: qos)
            for move in 0..<moves {
                async let sent: Void = {
                    for number in 0..<each {
                        try await other.post(Publish("to/mover", "\(move * each + number)", qos: qos))
                    }
                }()
                async let answered: Void = {
                    for number in 0..<each {
                        try await mover.post(Publish("from/mover", "\(move * each + number)", qos: qos))
                    }
                }()
                let host = Self.addresses[move % Self.addresses.count]
                try await mover.migrate(to: SocketAddress(ipAddress: host, port: 0), migration)
                _ = try await (sent, answered)
            }
            #expect(try await mover.waitForAcknowledgements() == .success)
            #expect(try await other.waitForAcknowledgements() == .success)
            for number in 0..<moves * each {
                #expect(try await mover.nextPayload() == "\(number)")
                #expect(try await other.nextPayload() == "\(number)")
            }
            await mover.disconnect()
            await other.disconnect()
        }
    }

    @Test("A client over TCP cannot change its address, and its connection goes on") func tcp() async throws {
        try await RunningBroker.run { broker, _ in
            let client = try broker.client("c", over: .tcp)
            _ = try await client.connect()
            await #expect(throws: ClientError.cannotMigrate) {
                try await client.migrate(to: SocketAddress(ipAddress: "127.0.0.2", port: 0))
            }
            #expect(try await client.publish(Publish("a", "b", qos: .atLeastOnce)).isError == false)
            await client.disconnect()
        }
    }

    @Test("An address that is not this machine's is refused, and the connection goes on") func wrongAddress()
        async throws
    {
        try await RunningBroker.run { broker, _ in
            let client = try broker.client("c", over: .quic)
            _ = try await client.connect()
            await #expect(throws: ClientError.transport(.outOfAddresses)) {
                try await client.migrate(to: SocketAddress(ipAddress: "192.0.2.1", port: 0))
            }
            #expect(try await client.publish(Publish("a", "b", qos: .atLeastOnce)).isError == false)
            await client.disconnect()
        }
    }
}
