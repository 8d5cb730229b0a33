import CertificateFixture
import NIOCore
import Testing

@testable import QUICTransport

/// What connections to servers share.
@Suite struct DialerTests {
    private static func address(_ text: String) throws -> SocketAddress { try SocketAddress(ipAddress: text, port: 1) }

    /// A socket of IPv6 reaches servers of both versions of IP; one of IPv4 does not.
    @Test func addressesFitTheSocket() throws {
        let six = try #require(DatagramAddress(Self.address("::")))
        let four = try #require(DatagramAddress(Self.address("0.0.0.0")))
        #expect(try Dialer.resolve(Self.address("127.0.0.1"), from: six).isIPv6)
        #expect(try Dialer.resolve(Self.address("::1"), from: six).isIPv6)
        #expect(try !Dialer.resolve(Self.address("127.0.0.1"), from: four).isIPv6)
        #expect(throws: QUICError.self) { try Dialer.resolve(Self.address("::1"), from: four) }
        #expect(throws: QUICError.self) { try Dialer.resolve(SocketAddress(unixDomainSocketPath: "/x"), from: four) }
    }

    /// TLS settings are made anew only where a connection verifies otherwise.
    @Test func settingsAreShared() throws {
        var dialer = Dialer()
        let one = QUICClientConfiguration(verification: .none(serverName: nil))
        let first = try dialer.tlsContext(for: one)
        #expect(try dialer.tlsContext(for: one) === first)
        let pair = try CertificatePair.shared.get()
        let other = QUICClientConfiguration(
            verification: .full(serverName: "localhost", trustRoots: .pem(pair.certificate))
        )
        #expect(try dialer.tlsContext(for: other) !== first)
    }
}
