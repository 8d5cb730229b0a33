/// How long a datagram that is read may have waited in its socket: SwiftNIO does not tell when it arrived.
///
/// The time runs from the first read that left something behind, until a read leaves nothing. The socket holds so many
/// octets at most; once as many were read, everything that was there before is gone.
struct SocketBacklog {
    /// Octets that the socket holds.
    let capacity: Int
    /// Everything that is read from now on arrived after this instant; `nil` where the socket was read empty.
    private var oldest: UInt64?
    /// An instant, and the octets that are still to be read until everything from before it is gone.
    private var mark: (instant: UInt64, octets: Int) = (0, 0)

    /// - Parameter capacity: octets, 1 and up.
    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    /// Takes note of a read.
    ///
    /// - Parameters:
    ///   - octets: that were read.
    ///   - isEmpty: whether the read left nothing in the socket.
    ///   - now: nanoseconds.
    mutating func didRead(_ octets: Int, isEmpty: Bool, now: UInt64) {
        guard !isEmpty else {
            self.oldest = nil
            return
        }
        guard self.oldest != nil else {
            self.oldest = now
            self.mark = (now, self.capacity)
            return
        }
        self.mark.octets -= octets
        guard self.mark.octets <= 0 else { return }
        self.oldest = self.mark.instant
        self.mark = (now, self.capacity)
    }

    /// The instant after which a datagram that is read now has arrived, nanoseconds.
    func arrival(now: UInt64) -> UInt64 { min(self.oldest ?? now, now) }
}
