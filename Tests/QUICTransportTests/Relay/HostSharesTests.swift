import Testing

@testable import QUICTransport

/// What one host may have forwarded without an answer.
@Suite struct HostSharesTests {
    @Test func networksOfIPv6AreOneHost() {
        var shares = HostShares(count: 1 << 12, burst: 2, interval: 1_000)
        func host(_ high: UInt64, _ low: UInt64) -> RelayAddress { RelayAddress(high: high, low: low, port: 1) }
        let times: [(UInt64, Bool)] = [(0, true), (0, true), (0, false), (1_000, true), (1_000, false)]
        for (number, (now, isTaken)) in times.enumerated() {
            let taken = shares.take(host(1, UInt64(number)), now: now)
            #expect(taken == isTaken)
        }
    }

    /// Hosts without a share of their own share one.
    @Test func sharesAreBounded() {
        var shares = HostShares(count: 0, burst: 2, interval: 1_000)
        let taken = (0..<3 as Range<UInt64>).map { host in
            shares.take(RelayAddress(high: 0, low: 0xffff_0000_0000 + host, port: 1), now: 0)
        }
        #expect(taken == [true, true, false])
    }
}
