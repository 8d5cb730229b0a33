import MQTTBroker
import MQTTClient
import MQTTCodec
import NIOCore
import Testing

@testable import BrokerServer

/// What TLS adds to a TCP connection. What it carries is tested with every transport.
@Suite(.timeLimit(.minutes(10))) struct TLSServerConfigurationTests {
    private func connect(
        _ broker: RunningBroker,
        serverName: String,
        trust: ServerTrust
    ) async throws -> ReasonCode {
        let client = MQTTClient(
            configuration: ClientConfiguration(connect: Connect(version: .v5, clientIdentifier: "c", keepAlive: 0)),
            target: ConnectionTarget(
                addresses: broker.address(.tls).map { [$0] } ?? [],
                transport: .tls(serverName: serverName, try TLSClientContext(trust: trust))
            ),
            eventLoop: broker.loop
        )
        do {
            let code = try await client.connect().reasonCode
            await client.disconnect()
            return code
        } catch {
            await client.disconnect()
            throw error
        }
    }

    @Test("A client believes its authorities, for the server's name or address, and nobody else") func trust()
        async throws
    {
        let authorities = ServerTrust.authorities(pem: try RunningBroker.certificate.get().certificateChain)
        let others = ServerTrust.authorities(pem: try CertificatePair.selfSigned().certificateChain)
        try await RunningBroker.run { broker, _ in
            for name in ["localhost", "127.0.0.1"] {
                #expect(try await connect(broker, serverName: name, trust: authorities) == .success)
                #expect(try await connect(broker, serverName: name, trust: .insecure) == .success)
                for (name, trust) in [(name, others), (name, .system), ("elsewhere.example", authorities)] {
                    do {
                        _ = try await connect(broker, serverName: name, trust: trust)
                        Issue.record("\(name) was believed")
                    } catch ClientError.transport(.security) {}
                }
            }
        }
    }

    @Test("Authorities that are no certificates are an error at once") func noAuthorities() {
        #expect(throws: ClientError.self) {
            try TLSClientContext(trust: .authorities(pem: Array("nothing".utf8)))
        }
    }

    @Test("A key of another certificate is an error that names the listener") func wrongKey() async throws {
        let pair = try RunningBroker.certificate.get()
        let other = try CertificatePair.selfSigned()
        let wrong = CertificatePair(certificateChain: pair.certificateChain, privateKey: other.privateKey)
        let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        do {
            try await RunningBroker.run(configure: {
                $0.listeners = [
                    .init(name: "mine", address: any, transport: .tls(TLSServerConfiguration(pair: wrong)))
                ]
            }) { _, _ in Issue.record("it listens") }
        } catch let error as ListenerError {
            #expect(error.listener == "ssl:mine")
        }
    }

    @Test("Who has no certificate is kept out where one is needed, and let in where not", arguments: [false, true])
    func clientCertificate(isRequired: Bool) async throws {
        let pair = try RunningBroker.certificate.get()
        try await RunningBroker.run(configure: { configuration in
            var tls = TLSServerConfiguration(pair: pair)
            tls.clientAuthorities = pair.certificateChain
            tls.needsClientCertificate = isRequired
            configuration.listeners[1].transport = .tls(tls)
        }) { broker, _ in
            let code = try? await connect(broker, serverName: "localhost", trust: .insecure)
            #expect(code == (isRequired ? nil : .success))
        }
    }

    @Test("Octets that are no TLS end their connection and no other", arguments: [1, 5, 300, 70_000])
    func noTLS(count: Int) async throws {
        try await RunningBroker.run(configure: { $0.limits.connectTimeout = .seconds(5) }) { broker, _ in
            let honest = try broker.client("honest", over: .tls)
            _ = try await honest.connect()
            let address = try #require(broker.address(.tls))
            let octets = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 1) }
            _ = try? await RawConnection.exchange(octets, with: address)
            #expect(try await honest.publish(Publish("a", "b", qos: .atLeastOnce)) == .noMatchingSubscribers)
            await honest.disconnect()
        }
    }
}
