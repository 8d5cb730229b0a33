/// Which peer addresses of one connection are read from.
///
/// Path validation holds state for each new address, and a peer that shows many and answers none would make it grow
/// and starve the path in use. New addresses are let in at a rate; those let in before stay so.
struct AddressAdmission {
    /// Addresses let in and not yet validated.
    private static let remembered = 4

    private let burst: Int
    private let interval: UInt64
    /// Made with the first new address: nearly no connection ever needs it.
    private var state: State?

    private final class State {
        var bucket: TokenBucket
        var admitted: [DatagramAddress] = []

        init(bucket: TokenBucket) {
            self.bucket = bucket
        }
    }

    /// - Parameter interval: nanoseconds after which one more address is let in.
    init(burst: Int, interval: UInt64) {
        self.burst = burst
        self.interval = interval
    }

    mutating func admits(_ address: DatagramAddress, now: UInt64) -> Bool {
        let state = self.state ?? State(bucket: TokenBucket(burst: self.burst, interval: self.interval, now: now))
        self.state = state
        if state.admitted.contains(address) { return true }
        guard state.bucket.take(now: now) else { return false }
        if state.admitted.count == Self.remembered { state.admitted.removeFirst() }
        state.admitted.append(address)
        return true
    }

    /// Another address has become the validated one.
    mutating func forget() {
        self.state?.admitted = []
    }
}
