import NIOCore
import Testing

@testable import QUICTransport

/// What a server may prefer.
@Suite struct QUICPreferredAddressTests {
    private static func address(_ host: String, _ port: Int = 1) throws -> SocketAddress {
        try SocketAddress(ipAddress: host, port: port)
    }

    @Test func oneOfEachVersion() throws {
        let v4 = try Self.address("192.0.2.1")
        let v6 = try Self.address("2001:db8::1", 2)
        for addresses in [[v4, v6], [v6, v4]] {
            let both = try #require(QUICPreferredAddress(addresses))
            #expect(both.v4 == v4 && both.v6 == v6)
        }
        #expect(QUICPreferredAddress([v4])?.v6 == nil)
        #expect(QUICPreferredAddress([v6])?.v4 == nil)
        #expect(QUICPreferredAddress([]) == nil)
        #expect(QUICPreferredAddress([v4, v4]) == nil)
        #expect(QUICPreferredAddress([v4, v6, v6]) == nil)
    }

    @Test(arguments: [
        ("0.0.0.0", 1), ("::", 1), ("192.0.2.1", 0), ("2001:db8::1", 0), ("224.0.0.1", 1), ("255.255.255.255", 1),
        ("ff02::1", 1), ("fe80::1", 1), ("169.254.1.1", 1), ("::ffff:192.0.2.1", 1),
    ])
    func addressesOfNobodyElsewhere(host: String, port: Int) throws {
        #expect(QUICPreferredAddress([try Self.address(host, port)]) == nil)
    }
}
