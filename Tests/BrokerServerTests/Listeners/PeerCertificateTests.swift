import Foundation
import MQTTBroker
import MQTTClient
import MQTTCodec
import NIOConcurrencyHelpers
import QUICTransport
import SwiftASN1
import Testing
import X509

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

    private func commonName(_ value: [UInt8]) throws -> String? {
        let name = DistinguishedName([
            .init(.init(type: .RDNAttributeType.organizationName, utf8String: "Fleet")),
            .init(.init(type: .RDNAttributeType.commonName, value: try ASN1Any(derEncoded: value))),
        ])
        return QUICPeerCertificate(der: try IssuedCertificate(name).der).commonName
    }

    @Test(
        "A common name is what stands in the certificate, whatever its type, without escapes",
        arguments: [
            ([0x0c, 11] + Array("Smith, John".utf8), "Smith, John"),
            ([0x0c, 14] + Array(#"#a+b"c\<d>;e= "#.utf8), #"#a+b"c\<d>;e= "#),
            ([0x0c, 8] + Array("häuser!".utf8), "häuser!"),
            ([0x13, 5] + Array("car 7".utf8), "car 7"),
            ([0x16, 9] + Array("a@b.exmpl".utf8), "a@b.exmpl"),
            ([0x14, 6, 0x4d, 0xfc, 0x6c, 0x6c, 0x65, 0x72], "Müller"),
            ([0x1e, 8, 0x00, 0x5a, 0x01, 0x7d, 0x6f, 0x22, 0x00, 0x2c], "ZŽ漢,"),
            ([0x1c, 12, 0, 0, 0, 0x5a, 0, 1, 0xf6, 0x80, 0, 0, 0, 0x2c], "Z🚀,"),
            ([0x0c, 0x81, 200] + [UInt8](repeating: 0x61, count: 200), String(repeating: "a", count: 200)),
        ] as [([UInt8], String)]
    )
    func commonNames(value: [UInt8], name: String) throws { #expect(try commonName(value) == name) }

    @Test("A certificate without a common name, or with none that MQTT can carry, has none")
    func noCommonName() throws {
        let name = try DistinguishedName { OrganizationName("Fleet") }
        let certificate = QUICPeerCertificate(der: try IssuedCertificate(name).der)
        #expect(certificate.commonName == nil && certificate.subject == "O=Fleet")
        for octets: [UInt8] in [[], [0x30, 0], Array(repeating: 0x30, count: 100)] {
            let certificate = QUICPeerCertificate(der: octets)
            #expect(certificate.subject.isEmpty && certificate.commonName == nil)
        }
        for value: [UInt8] in [
            [0x0c, 0], [0x0c, 3, 0x61, 0, 0x62], [0x13, 1, 0xe9], [0x1e, 3, 0, 0x61, 0],
            [0x1e, 2, 0xd8, 0x00], [0x1c, 4, 0, 0x11, 0, 0], [0x04, 1, 0x61],
            [0x0c, 0x82, 0x07, 0xd0] + Array(repeating: 0x61, count: 2_000),
        ] {
            #expect(try commonName(value) == nil, "\(value.prefix(8))")
        }
    }
}
