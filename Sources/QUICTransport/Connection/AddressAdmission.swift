/// The addresses from which one connection's datagrams are read, beside the peer's validated address.
///
/// Each new address costs a token of a bucket, since the path validation of it (RFC 9000 §8.2) holds state and sends
/// packets to whoever is there. An address that answers its PATH_CHALLENGE gives the token back. So a client may move as
/// often as it likes, and only addresses that nobody answers from are rationed.
struct AddressAdmission {
    /// The most addresses that are remembered as admitted; the oldest of them makes room for the next.
    static let capacity = 4

    private let burst: Int
    private let interval: UInt64
    /// `nil` until the first new address: nearly no connection has one.
    private var state: State?

    /// An address beside the validated one.
    private struct Entry {
        let address: DatagramAddress
        /// False as long as the address owes its token.
        var isValidated: Bool
    }

    /// The addresses and the bucket, once there is a new address.
    private final class State {
        var bucket: TokenBucket
        var entries: [Entry] = []

        init(bucket: TokenBucket) {
            self.bucket = bucket
        }

        func append(_ entry: Entry) {
            if self.entries.count == AddressAdmission.capacity { self.entries.removeFirst() }
            self.entries.append(entry)
        }
    }

    /// - Parameters:
    ///   - burst: new addresses that may be unanswered at once; 0 admits none.
    ///   - interval: nanoseconds after which one more is admitted.
    init(burst: Int, interval: UInt64) {
        self.burst = burst
        self.interval = interval
    }

    /// True if datagrams from the address are to be read.
    ///
    /// - Parameter now: nanoseconds of the event loop's clock.
    mutating func admits(_ address: DatagramAddress, now: UInt64) -> Bool {
        let state = self.state ?? State(bucket: TokenBucket(burst: self.burst, interval: self.interval, now: now))
        self.state = state
        if state.entries.contains(where: { $0.address == address }) { return true }
        guard state.bucket.take(now: now) else { return false }
        state.append(Entry(address: address, isValidated: false))
        return true
    }

    /// Admits an address that this side has chosen, and that owes no token.
    mutating func admitUnrationed(_ address: DatagramAddress, now: UInt64) {
        let state = self.state ?? State(bucket: TokenBucket(burst: self.burst, interval: self.interval, now: now))
        self.state = state
        state.append(Entry(address: address, isValidated: true))
    }

    /// Gives back the token of an address whose path validation has succeeded.
    ///
    /// - Parameter previous: the validated address before. Late packets from there, and the peer's return, cost nothing.
    func validate(_ address: DatagramAddress, insteadOf previous: DatagramAddress) {
        guard let state = self.state else { return }
        if let place = state.entries.firstIndex(where: { $0.address == address }), !state.entries[place].isValidated {
            state.entries[place].isValidated = true
            state.bucket.giveBack()
        }
        if !state.entries.contains(where: { $0.address == previous }) {
            state.append(Entry(address: previous, isValidated: true))
        }
    }
}
