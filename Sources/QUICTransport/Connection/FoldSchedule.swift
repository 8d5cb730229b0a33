/// When idle connections of an endpoint are folded: many at a time, so that it takes few wake-ups, and not too many, so that
/// a message to a hundred thousand subscribers does not make the loop fold a hundred thousand connections in one go later.
struct FoldSchedule {
    /// Nanoseconds: folding begins at multiples of it.
    static let interval: UInt64 = 1 << 24
    /// Connections that are folded at one multiple. It takes a millisecond or two.
    static let maximumCount = 128

    private var turn: UInt64 = 0
    private var count = 0

    /// The first instant for folding at or after another.
    static func instant(from time: UInt64) -> UInt64 {
        let (sum, overflows) = time.addingReportingOverflow(self.interval - 1)
        return overflows ? .max : sum & ~(self.interval - 1)
    }

    /// Reserves a place. Returns an instant not after `now` if it is one's turn at once, else when it will be.
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
