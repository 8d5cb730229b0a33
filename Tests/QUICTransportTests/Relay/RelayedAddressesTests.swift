import NIOCore
import Testing

@testable import QUICTransport

/// The ways to a client's addresses.
@Suite struct RelayedAddressesTests {
    private static func address(_ port: UInt16) -> DatagramAddress {
        DatagramAddress(RelayAddress(high: 0, low: 0xffff_7f00_0001, port: port))
    }

    private static func way(_ node: UInt16) -> RelayIngress {
        RelayIngress(node: RelayNode(number: node, incarnation: 1), worker: 0, listener: 0)
    }

    @Test func latestWayIsTaken() {
        var addresses = RelayedAddresses()
        #expect(addresses[Self.address(1)] == nil)
        addresses.note(Self.address(1), Self.way(2))
        addresses.note(Self.address(2), Self.way(3))
        addresses.note(Self.address(1), Self.way(4))
        #expect(addresses[Self.address(1)] == Self.way(4))
        #expect(addresses[Self.address(2)] == Self.way(3))
        addresses.note(Self.address(1), nil)
        #expect(addresses[Self.address(1)] == nil)
        addresses.note(Self.address(2), nil)
        #expect(addresses.isEmpty)
    }

    @Test func addressesAreBounded() {
        var addresses = RelayedAddresses()
        for port in 0..<UInt16(RelayedAddresses.capacity) { addresses.note(Self.address(port), Self.way(2)) }
        // The first is heard of again, so that the second is silent for longest.
        addresses.note(Self.address(0), Self.way(2))
        addresses.note(Self.address(99), Self.way(2))
        #expect(addresses[Self.address(0)] != nil)
        #expect(addresses[Self.address(1)] == nil)
        #expect(addresses[Self.address(99)] != nil)
    }
}
