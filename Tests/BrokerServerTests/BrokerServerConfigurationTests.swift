import Logging
import MQTTClient
import MQTTCodec
import NIOCore
import QUICTransport
import SecretFixture
import Testing

@testable import BrokerServer

@Suite struct BrokerServerConfigurationTests {
    private static let ticket = QUICSessionTicket(
        session: Marker.octets,
        transportParameters: [],
        allowsEarlyData: true,
        received: 0,
        lifetime: 60
    )

    private static var identity: QUICIdentity {
        QUICIdentity(certificateChain: [], privateKey: Marker.octets, password: Marker.text)
    }

    private static var connect: Connect {
        var connect = Connect(clientIdentifier: "a", userName: "b", password: ByteBuffer(string: Marker.text))
        connect.properties.authenticationData = ByteBuffer(string: Marker.text)
        return connect
    }

    private static var clientConfiguration: QUICClientConfiguration {
        var configuration = QUICClientConfiguration(verification: .none(serverName: nil))
        configuration.identity = identity
        configuration.ticket = ticket
        return configuration
    }

    private static var server: BrokerServerConfiguration {
        get throws {
            let address = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
            var tls = TLSServerConfiguration(pair: CertificatePair(certificateChain: [], privateKey: Marker.octets))
            tls.privateKeyPassword = Marker.text
            var quic = QUICServerConfiguration(
                certificateChain: [],
                privateKey: Marker.octets,
                staticSecret: Marker.key
            )
            quic.privateKeyPassword = Marker.text
            quic.identifiers.otherSecrets = [1: Marker.key]
            var listeners: [BrokerServerConfiguration.Listener] = [
                .init(name: "a", address: address, transport: .tls(tls)),
                .init(name: "b", address: address, transport: .quic(quic)),
            ]
            listeners[0].certificateFiles = CertificateFiles(chain: "c", key: "k", password: Marker.text)
            return BrokerServerConfiguration(loops: 1, listeners: listeners)
        }
    }

    @Test("No description of a configuration, or of what comes of it, shows a secret") func hidden() throws {
        let configuration = try Self.server
        #expect(!Marker.isShown(by: configuration))
        #expect(Marker.descriptions(of: configuration).contains { $0.contains("certificateChain") })
        let server = BrokerServer(configuration, logger: Logger(label: "test"))
        #expect(!Marker.isShown(by: server))
        #expect("\(server)" == "broker")
    }

    @Test("No description of what a client says or has shows a secret") func clients() throws {
        let values: [Any] = [
            Self.identity, Self.ticket, Self.clientConfiguration, Self.connect, Packet.connect(Self.connect),
            Credentials(Self.connect), ClientConfiguration(connect: Self.connect),
            Packet.authentication(Authentication(method: "m", data: ByteBuffer(string: Marker.text))),
            ConnectionTarget(addresses: [], transport: .tcp, identity: Self.identity),
        ]
        for value in values { #expect(!Marker.isShown(by: value), "\(type(of: value))") }
        #expect("\(Self.connect)".contains("userName"), "the rest is shown")
    }
}
