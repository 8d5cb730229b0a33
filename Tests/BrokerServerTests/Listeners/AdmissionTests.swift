import MQTTClient
import MQTTCodec
import NIOCore
import QUICTransport
import Testing

@testable import BrokerServer

/// The bounds of a listener: how many connections are open, and how fast they come.
@Suite(.timeLimit(.minutes(10))) struct AdmissionTests {
    private typealias Listener = BrokerServerConfiguration.Listener

    private func admission(
        maximum: Int? = nil,
        rate: BrokerServerConfiguration.Listener.ConnectionRate? = nil
    ) throws -> Admission {
        Admission(
            Listener(
                name: "test",
                address: try SocketAddress(ipAddress: "127.0.0.1", port: 0),
                transport: .tcp,
                maximumConnections: maximum,
                connectionRate: rate
            )
        )
    }

    @Test("Places are counted, and given back") func places() throws {
        let admission = try admission(maximum: 2)
        #expect(admission.enter())
        #expect(admission.enter())
        #expect(!admission.enter())
        #expect(admission.open == 2)
        #expect(admission.refused == 1)
        #expect(admission.admit() == .refuse)
        admission.leave()
        #expect(admission.admit() == .accept)
        #expect(admission.enter())
    }

    @Test("Who comes too fast is asked to wait") func pace() throws {
        let admission = try admission(rate: .init(burst: 2, interval: .hours(1)))
        #expect(admission.wait() == nil)
        #expect(admission.admit() == .accept)
        admission.accepted()
        #expect(admission.admit() == .drop)
        let wait = try #require(admission.wait())
        #expect(wait > .minutes(59) && wait <= .hours(1))
        #expect(admission.delayed == 2)
    }

    @Test("A listener takes new clients at its pace", arguments: RunningBroker.Transport.allCases)
    func listener(over transport: RunningBroker.Transport) async throws {
        try await RunningBroker.run(configure: { configuration in
            for index in configuration.listeners.indices {
                configuration.listeners[index].connectionRate = .init(burst: 2, interval: .hours(1))
            }
        }) { broker, _ in
            let first = try broker.client("1", over: transport)
            let second = try broker.client("2", over: transport)
            let third = try broker.client("3", over: transport, responseTimeout: .milliseconds(300))
            _ = try await first.connect()
            _ = try await second.connect()
            await #expect(throws: ClientError.self) { try await third.connect() }
            #expect(try await first.publish(Publish("a", "served", qos: .atLeastOnce)).isError == false)
            for client in [first, second, third] { await client.disconnect() }
        }
    }

    @Test("A listener refuses clients beyond its bound", arguments: RunningBroker.Transport.allCases)
    func bound(over transport: RunningBroker.Transport) async throws {
        try await RunningBroker.run(configure: { configuration in
            for index in configuration.listeners.indices { configuration.listeners[index].maximumConnections = 1 }
        }) { broker, _ in
            let first = try broker.client("1", over: transport)
            _ = try await first.connect()
            let second = try broker.client("2", over: transport)
            await #expect(throws: ClientError.self) { try await second.connect() }
            await first.disconnect()
            // The place is free as soon as the broker has seen the end.
            for attempt in 1...6000 {
                do {
                    _ = try await second.connect()
                    break
                } catch {
                    if attempt == 6000 { throw error }
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            await second.disconnect()
        }
    }
}
