/// The instants at which idle connections of an endpoint are folded.
///
/// Many connections are folded at one instant, so that folding takes few wake-ups, and no more than `maximumCount`: a
/// message to a hundred thousand subscribers must not make the loop fold a hundred thousand connections in one tick later.
struct FoldSchedule {
    /// Nanoseconds between two instants; each instant is a multiple of it.
    static let interval: UInt64 = 1 << 24
    /// The most connections that are folded at one instant, which takes a millisecond or two.
    static let maximumCount = 128

    private var turn: UInt64 = 0
    private var count = 0

    /// The first instant for folding at or after a time, nanoseconds.
    static func instant(from time: UInt64) -> UInt64 {
        let (sum, overflows) = time.addingReportingOverflow(self.interval - 1)
        return overflows ? .max : sum & ~(self.interval - 1)
    }

    /// Reserves a turn for one connection.
    ///
    /// - Returns: the instant of the turn; at or before `now` if the connection may be folded at once.
    mutating func reserve(now: UInt64) -> UInt64 {
        let present = now & ~(Self.interval - 1)
        if self.turn < present {
            self.turn = present
            self.count = 0
        } else if self.count == Self.maximumCount {
            self.turn += Self.interval
            self.count = 0
        }
        self.count += 1
        return self.turn
    }
}
