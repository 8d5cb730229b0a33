/// How many handshakes may begin: no more than can be completed soon.
///
/// What a handshake costs is measured as the time that the loop spends on its beginning, and on the rest of it. From
/// that comes the rate at which they can be completed, and from the rate how many may be in flight. A handshake counts
/// as in flight for one window: after that its client is slow, or gone, and the loop is free for others.
package struct HandshakePace: Sendable {
    /// When a handshake began, to be given back at its end. 0: it is not counted.
    package typealias Start = UInt32

    private static let slotCount: UInt64 = 16
    /// One measurement that took longer than this says more about the machine, nanoseconds.
    private static let longest: UInt64 = 20_000_000
    /// Weight of all measurements before against that of a new one.
    private static let inertia = 15.0

    package let limits: Limits
    /// Loops that share the work.
    private let loops: Int

    /// Nanoseconds of the beginning, and of the rest up to the end.
    private var beginning = 500_000.0
    private var rest = 500_000.0
    /// Nanoseconds spent on handshakes under way since the last was completed.
    private var spentOnRest: UInt64 = 0
    /// Nanoseconds spent in this tick: on beginnings, and on reading what belongs to handshakes under way.
    private var spentInTick: (onBeginnings: UInt64, onReading: UInt64) = (0, 0)

    /// Handshakes in flight by the part of the window in which they began.
    private var starts = [Int](repeating: 0, count: Int(Self.slotCount))
    /// Number of the part of the window that the last instant was in, from 1.
    private var slot: UInt64 = 1
    /// Handshakes that began within the window and are not complete.
    package private(set) var inFlight = 0

    package init(_ limits: Limits = Limits(), loops: Int = 1) {
        self.limits = limits
        self.loops = max(1, loops)
    }

    // MARK: Measurements

    /// Handshakes that can be completed in a second, on all loops together.
    package var rate: Double { Double(self.loops) * 1e9 / (self.beginning + self.rest) }

    /// Handshakes that may be in flight.
    package var limit: Int { max(self.limits.least, Int(self.rate * Double(self.limits.window) / 1e9)) }

    /// Counts time that was spent on a client's first flight, nanoseconds, whatever became of it.
    package mutating func didSpend(_ cost: UInt64) { self.spentInTick.onBeginnings += cost }

    /// Learns what a beginning costs, nanoseconds.
    package mutating func didBegin(cost: UInt64) { Self.learn(&self.beginning, cost) }

    /// Learns what handshakes under way cost, nanoseconds.
    package mutating func didWork(cost: UInt64) { self.spentOnRest += min(cost, Self.longest) }

    /// Learns what reading a datagram of a handshake under way costs, nanoseconds.
    package mutating func didRead(cost: UInt64) {
        self.spentInTick.onReading += cost
        self.didWork(cost: cost)
    }

    private static func learn(_ mean: inout Double, _ sample: UInt64) {
        mean = (mean * Self.inertia + Double(min(sample, Self.longest))) / (Self.inertia + 1)
    }

    // MARK: Beginnings and ends

    /// Whether one more may be in flight.
    package mutating func hasRoom(now: UInt64) -> Bool {
        self.advance(to: now)
        return self.inFlight < self.limit
    }

    /// Whether one more may begin in this tick.
    package mutating func mayBegin(now: UInt64) -> Bool {
        self.spentInTick.onBeginnings < self.limits.budget && self.hasRoom(now: now)
    }

    /// Whether a datagram of a handshake under way may be read in this tick.
    package var mayRead: Bool { self.spentInTick.onReading < self.limits.budget }

    /// Counts a handshake as in flight.
    ///
    /// - Returns: what `complete` or `end` is to be told when the handshake ends.
    package mutating func begin(now: UInt64) -> Start {
        self.advance(to: now)
        self.starts[Int(self.slot % Self.slotCount)] += 1
        self.inFlight += 1
        return UInt32(truncatingIfNeeded: self.slot)
    }

    /// Ends one that was completed.
    package mutating func complete(_ start: Start, now: UInt64) {
        Self.learn(&self.rest, self.spentOnRest)
        self.spentOnRest = 0
        self.end(start, now: now)
    }

    /// Ends one that failed, or was completed unmeasured.
    package mutating func end(_ start: Start, now: UInt64) {
        self.advance(to: now)
        let age = UInt32(truncatingIfNeeded: self.slot) &- start
        guard start != 0, UInt64(age) < Self.slotCount else { return }
        let index = Int((self.slot - UInt64(age)) % Self.slotCount)
        guard self.starts[index] > 0 else { return }
        self.starts[index] -= 1
        self.inFlight -= 1
    }

    /// The tick of the loop is over.
    package mutating func endTick() { self.spentInTick = (0, 0) }

    /// When the oldest of those in flight count no more, nanoseconds.
    package func nextRoom(now: UInt64) -> UInt64 { (now / self.slotLength + 1) * self.slotLength }

    private var slotLength: UInt64 { max(1, self.limits.window / Self.slotCount) }

    private mutating func advance(to now: UInt64) {
        let target = now / self.slotLength + 1
        guard target > self.slot else { return }
        for passed in 1...min(target - self.slot, Self.slotCount) {
            let index = Int((self.slot + passed) % Self.slotCount)
            self.inFlight -= self.starts[index]
            self.starts[index] = 0
        }
        self.slot = target
    }
}
