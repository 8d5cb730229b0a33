import NIOCore

/// How much of a long work a shard does at once: so many steps a tick, with a pause between two ticks in which the event loop
/// serves everything else.
struct Pace {
    /// The time from the begin of a tick to the next tick.
    static var period: TimeAmount { .milliseconds(1) }

    private let stepsPerTick: Int
    /// Steps that may still be done in this tick.
    var stepsLeft: Int
    /// When the next tick begins: work that is left goes on then.
    private(set) var nextTick = NIODeadline.distantPast

    /// - Parameter stepsPerTick: 1 and up.
    init(stepsPerTick: Int) {
        self.stepsPerTick = stepsPerTick
        stepsLeft = stepsPerTick
    }

    /// Begins the next tick if it is due.
    mutating func advance(to now: Instant) {
        guard now.monotonic >= nextTick else { return }
        stepsLeft = stepsPerTick
        nextTick = now.monotonic + Self.period
    }
}
