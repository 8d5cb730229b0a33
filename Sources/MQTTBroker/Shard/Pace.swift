import NIOCore

/// How much long work a shard does at once: so many steps in each tick of a millisecond. A tick that has used up its steps leaves
/// the rest of the millisecond to everything else that the event loop serves.
struct Pace {
    /// The shortest time from the begin of a tick to the begin of the next tick.
    static var period: TimeAmount { .milliseconds(1) }

    /// The part of a tick's steps that inquiries may take.
    private static var inquiryShare: Int { 2 }

    private let stepsPerTick: Int
    /// Steps that may still be done in this tick.
    var stepsLeft: Int
    /// Steps that inquiries may still take of them in this tick.
    private(set) var inquiryStepsLeft: Int
    /// When the next tick begins: work that is left goes on then.
    private(set) var nextTick = NIODeadline.distantPast

    /// - Parameter stepsPerTick: 1 and up.
    init(stepsPerTick: Int) {
        self.stepsPerTick = stepsPerTick
        stepsLeft = stepsPerTick
        inquiryStepsLeft = Self.inquirySteps(stepsPerTick)
    }

    private static func inquirySteps(_ stepsPerTick: Int) -> Int { max(1, stepsPerTick / inquiryShare) }

    mutating func spendOnInquiries(_ steps: Int) {
        stepsLeft -= steps
        inquiryStepsLeft -= steps
    }

    /// Begins the next tick if it is due.
    ///
    /// - Returns: true if a tick begins, and the tick before used up its steps.
    mutating func advance(to now: Instant) -> Bool {
        guard now.monotonic >= nextTick else { return false }
        defer {
            stepsLeft = stepsPerTick
            inquiryStepsLeft = Self.inquirySteps(stepsPerTick)
        }
        nextTick = now.monotonic + Self.period
        return stepsLeft == 0
    }
}
