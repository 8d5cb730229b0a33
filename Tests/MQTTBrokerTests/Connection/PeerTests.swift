import MQTTCodec
import NIOConcurrencyHelpers
import NIOCore
import Testing

@testable import MQTTBroker

@Suite struct PeerTests {
    @Test("What is learned of a client is added to what is known") func added() throws {
        let address = try SocketAddress(ipAddress: "192.0.2.1", port: 1)
        let certificate = Peer.Certificate(subject: "CN=a", commonName: "a")
        var identity = Peer.Identity(address: address)
        identity.add(Peer.Identity(certificate: certificate))
        #expect(identity.address == address && identity.certificate == certificate)
        let next = try SocketAddress(ipAddress: "192.0.2.2", port: 2)
        identity.add(Peer.Identity(address: next))
        #expect(identity.address == next && identity.certificate == certificate)
    }

    /// What became of a CONNECT whose client has shown `certificate`.
    private func connect(
        _ certificate: Peer.Certificate?,
        version: ProtocolVersion = .v5,
        _ configure: (inout Limits) -> Void
    ) throws -> (reason: ReasonCode, seen: [[String?]]) {
        var limits = Limits()
        configure(&limits)
        let seen = NIOLockedValueBox<[[String?]]>([])
        let authenticator = Authenticator { connect, _ in
            seen.withLockedValue { $0.append([connect.clientIdentifier, connect.userName]) }
            return .allowed
        }
        let broker = SimulatedBroker(limits: limits, authenticator: authenticator)
        let client = broker.open(version: version)
        if let certificate { broker.identify(client, by: Peer.Identity(certificate: certificate)) }
        client.send(.connect(Connect(version: version, clientIdentifier: "client", userName: "user")))
        return (try client.connectAcknowledgement().reasonCode, seen.withLockedValue { $0 })
    }

    @Test("A certificate gives the names that are asked of it") func names() throws {
        let certificate = Peer.Certificate(subject: "CN=Smith\\, John", commonName: "Smith, John")
        let both = try connect(certificate) {
            $0.certificateAsUserName = .commonName
            $0.certificateAsClientIdentifier = .subject
        }
        #expect(both.reason == .success && both.seen == [["CN=Smith\\, John", "Smith, John"]])
        let none = try connect(certificate) { _ in }
        #expect(none.reason == .success && none.seen == [["client", "user"]])
    }

    @Test(
        "A certificate without the name that is asked of it is refused",
        arguments: [Peer.Certificate(subject: "O=Fleet", commonName: nil), .init(subject: "", commonName: nil)],
        ProtocolVersion.allCases
    )
    func incomplete(_ certificate: Peer.Certificate, version: ProtocolVersion) throws {
        for configure: (inout Limits) -> Void in [
            { $0.certificateAsUserName = .commonName }, { $0.certificateAsClientIdentifier = .commonName },
        ] {
            let refused = try connect(certificate, version: version, configure)
            #expect(refused.reason == .notAuthorized && refused.seen.isEmpty)
            let believed = try connect(certificate, version: version) {
                configure(&$0)
                $0.requiresCertificateField = false
            }
            #expect(believed.reason == .success && believed.seen == [["client", "user"]])
        }
        if certificate.subject.isEmpty {
            #expect(try connect(certificate) { $0.certificateAsUserName = .subject }.reason == .notAuthorized)
        }
    }

    @Test("A client without a certificate has the names in its CONNECT") func noCertificate() throws {
        let connected = try connect(nil) { $0.certificateAsUserName = .commonName }
        #expect(connected.reason == .success && connected.seen == [["client", "user"]])
    }
}
