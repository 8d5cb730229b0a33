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

    /// A client goes on at an address of the IP version in use, or else at one that its socket can reach, and never at one that is
    /// nearer to it than the server (RFC 9000 §21.5.6).
    @Test(
        arguments: [
            ("192.0.2.1", ["192.0.2.9", "2001:db8::9"], "192.0.2.9"),
            ("::ffff:192.0.2.1", ["192.0.2.9", "2001:db8::9"], "::ffff:192.0.2.9"),
            ("2001:db8::1", ["192.0.2.9", "2001:db8::9"], "2001:db8::9"),
            ("2001:db8::1", ["192.0.2.9"], "::ffff:192.0.2.9"),
            ("192.0.2.1", ["2001:db8::9"], nil),
            ("192.0.2.1", ["192.0.2.1"], nil),
            ("192.0.2.1", [], nil),
            ("192.0.2.1", ["127.0.0.1"], nil),
            ("192.0.2.1", ["10.0.0.1"], nil),
            ("192.0.2.1", ["0.0.0.0"], nil),
            ("192.0.2.1", ["224.0.0.1"], nil),
            ("10.0.0.1", ["192.168.0.1"], "192.168.0.1"),
            ("10.0.0.1", ["169.254.0.1"], nil),
            ("127.0.0.1", ["127.0.0.2"], "127.0.0.2"),
            ("127.0.0.1", ["192.0.2.1"], "192.0.2.1"),
            ("2001:db8::1", ["fd00::1"], nil),
            ("2001:db8::1", ["::1"], nil),
            ("fd00::1", ["fe80::1"], nil),
            ("2001:db8::1", ["10.0.0.1", "fe80::1"], nil),
        ] as [(String, [String], String?)]
    )
    func choosesAmongPreferredAddresses(server: String, offered: [String], expected: String?) throws {
        func datagram(_ text: String) throws -> DatagramAddress {
            try #require(DatagramAddress(Self.address(text)))
        }
        let chosen = Dialer.choose(among: try offered.map(datagram), insteadOf: try datagram(server))
        #expect(try chosen == expected.map(datagram))
    }

    /// How far away an address can be used.
    @Test(arguments: [
        ("127.255.0.1", AddressScope.machine), ("::1", .machine), ("::ffff:127.0.0.1", .machine),
        ("169.254.9.9", .link),
        ("fe80::1", .link), ("febf::1", .link), ("fec0::1", .global), ("10.1.1.1", .site), ("172.16.0.1", .site),
        ("172.31.0.1", .site), ("172.32.0.1", .global), ("192.168.1.1", .site), ("192.169.1.1", .global),
        ("100.64.0.1", .site), ("100.128.0.1", .global), ("fc00::1", .site), ("fdff::1", .site), ("fe00::1", .global),
        ("8.8.8.8", .global), ("::2", .global), ("2001:db8::1", .global), ("::ffff:10.0.0.1", .site),
    ])
    func scopes(text: String, scope: AddressScope) throws {
        #expect(try #require(DatagramAddress(Self.address(text))).scope == scope)
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
