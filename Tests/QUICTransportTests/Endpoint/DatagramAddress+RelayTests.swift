import CDatagrams
import Glibc
import NIOCore
import Testing

@testable import QUICTransport

/// Clients' addresses in frames.
@Suite struct RelayedAddressTests {
    @Test(arguments: ["192.0.2.1", "2001:db8::7"])
    func addressesReturn(_ host: String) throws {
        let address = try #require(DatagramAddress(try SocketAddress(ipAddress: host, port: 4_711)))
        let relayed = try #require(RelayAddress(address))
        #expect(DatagramAddress(relayed) == address)
        #expect(relayed.port == 4_711)
        #expect(relayed.isIPv4 == !address.isIPv6)
    }

    /// A client is the same one, whether the socket that it reaches has both families or one.
    @Test func mappedAddressesAreIPv4() throws {
        let address = try #require(DatagramAddress(try SocketAddress(ipAddress: "192.0.2.1", port: 1)))
        #expect(RelayAddress(address.mappedToIPv6) == RelayAddress(address))
    }

    @Test func addressesOfOneInterfaceAreNotRelayed() throws {
        var address = try #require(DatagramAddress(try SocketAddress(ipAddress: "fe80::1", port: 1)))
        address.raw.v6.sin6_scope_id = 2
        #expect(RelayAddress(address) == nil)
    }

    /// A frame says of an address what a socket says of it.
    @Test(arguments: [
        "0.0.0.0", "255.255.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.1", "223.255.255.255", "10.0.0.1",
        "::", "::1", "ff02::1", "fe80::1", "2001:db8::7",
    ])
    func addressesThatNobodyAnswersAreTheSame(_ host: String) throws {
        for port in [0, 1] {
            let address = try #require(DatagramAddress(try SocketAddress(ipAddress: host, port: port)))
            #expect(RelayAddress(address)?.isUnanswerable == address.isUnanswerable)
        }
    }
}
