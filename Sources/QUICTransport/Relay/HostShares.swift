/// The shares of hosts in what a loop forwards from addresses that no owner has answered yet. So whoever forges addresses, or
/// moves through many ports, uses up a share, and not the relay.
struct HostShares {
    private var buckets: [TokenBucket]

    /// - Parameters:
    ///   - count: shares, 1 and up.
    ///   - burst: datagrams at once.
    ///   - interval: nanoseconds after which one more is allowed.
    init(count: Int, burst: Int, interval: UInt64) {
        self.buckets = Array(repeating: TokenBucket(burst: burst, interval: interval, now: 0), count: max(1, count))
    }

    /// Whether one more datagram from the host may be forwarded.
    mutating func take(_ client: RelayAddress, now: UInt64) -> Bool {
        // The hash of a process has a random seed, so that nobody can choose whose share to use up.
        let place = Int(UInt(bitPattern: client.network.hashValue) % UInt(self.buckets.count))
        return self.buckets[place].take(now: now)
    }
}
