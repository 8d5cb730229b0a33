import QUICTransport
import Testing

/// The bounds of the relay.
@Suite struct RelayLimitsTests {
    @Test(arguments: [(1_450, false, 1_366), (1_450, true, 1_346), (1_284, false, 1_200), (1_304, true, 1_200)])
    func framesFitIntoTheNetwork(_ mtu: Int, _ isIPv6: Bool, _ largest: Int) throws {
        var limits = RelayLimits()
        limits.mtu = mtu
        limits.isIPv6 = isIPv6
        #expect(try limits.largestDatagram() == largest)
        let gate = try RelayGate(RelayScene.member(1), worker: 0, RelayScene.ring, limits: limits)
        #expect(gate.largestDatagram == largest)
    }

    @Test(arguments: [(1_283, false), (1_303, true), (0, false), (-1, true)])
    func narrowNetworksAreRefused(_ mtu: Int, _ isIPv6: Bool) {
        var limits = RelayLimits()
        limits.mtu = mtu
        limits.isIPv6 = isIPv6
        #expect(throws: QUICError.self) { try limits.largestDatagram() }
        #expect(throws: QUICError.self) {
            try RelayGate(RelayScene.member(1), worker: 0, RelayScene.ring, limits: limits)
        }
    }

    @Test func longestFrameIsADatagram() throws {
        var limits = RelayLimits()
        limits.mtu = .max
        #expect(try limits.largestDatagram() == RelayFrame.maximumCount - RelayFrame.overhead)
    }
}
