import Foundation
import MQTTBroker
import MQTTClient
import MQTTCodec
import NIOConcurrencyHelpers
import QUICTransport
import Testing

@testable import BrokerServer

/// Names that clients have from their certificates.
@Suite(.timeLimit(.minutes(10))) struct PeerCertificateTests {
    @Test(
        "The subject of a client's certificate is its user name and identifier, also when it comes again",
        arguments: [RunningBroker.Transport.tls, .quic]
    )
    func subject(over transport: RunningBroker.Transport) async throws {
        let pair = try CertificatePair.selfSigned()
        let name = "Martlet on \(ProcessInfo.processInfo.hostName)"
        let seen = NIOLockedValueBox<[Credentials]>([])
        try await RunningBroker.run(
            configure: { configuration in
                configuration.resume()
                configuration.limits.certificateAsUserName = .commonName
                configuration.limits.certificateAsClientIdentifier = .subject
                configuration.authentication = .immediate { credentials in
                    seen.withLockedValue { $0.append(credentials) }
                    return .allowed
                }
                for index in configuration.listeners.indices {
                    switch configuration.listeners[index].transport {
                    case .tcp: continue
                    case .tls(var tls):
                        tls.clientAuthorities = pair.certificateChain
                        tls.needsClientCertificate = true
                        configuration.listeners[index].transport = .tls(tls)
                    case .quic(var quic):
                        quic.clientAuthorities = pair.certificateChain
                        configuration.listeners[index].transport = .quic(quic)
                    }
                }
            }
        ) { broker, _ in
            let identity = QUICIdentity(certificateChain: pair.certificateChain, privateKey: pair.privateKey)
            let client = try broker.client("me", over: transport, identity: identity)
            for earlyData in [QUICEarlyData.none, transport == .quic ? .accepted : .none] {
                _ = try await client.connect()
                #expect(await client.earlyData == earlyData)
                if transport == .quic { try await client.waitForTicket() }
                await client.disconnect()
            }
            #expect(!(await broker.connects(over: transport, trusting: try RunningBroker.certificate.get())))
        }
        let credentials = seen.withLockedValue { $0 }
        #expect(credentials.map(\.userName) == [name, name])
        #expect(credentials.map(\.clientIdentifier) == ["CN=\(name)", "CN=\(name)"])
    }

    @Test("Who shows no certificate where none is needed is who it says it is") func noCertificate() async throws {
        let pair = try RunningBroker.certificate.get()
        let seen = NIOLockedValueBox<[Credentials]>([])
        try await RunningBroker.run(
            configure: { configuration in
                configuration.limits.certificateAsUserName = .commonName
                configuration.authentication = .immediate { credentials in
                    seen.withLockedValue { $0.append(credentials) }
                    return .allowed
                }
                var tls = TLSServerConfiguration(pair: pair)
                tls.clientAuthorities = pair.certificateChain
                configuration.listeners[1].transport = .tls(tls)
            }
        ) { broker, _ in
            let client = try broker.client("me", over: .tls, userName: "somebody")
            _ = try await client.connect()
            await client.disconnect()
        }
        #expect(seen.withLockedValue { $0 }.map(\.userName) == ["somebody"])
    }
}
