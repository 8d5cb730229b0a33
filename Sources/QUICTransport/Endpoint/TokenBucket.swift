/// Allows `burst` events at once and one more each `interval`.
package struct TokenBucket: Sendable {
    let burst: Int
    /// Nanoseconds.
    let interval: UInt64
    /// Events that are allowed now. Below 0 after `spend` beyond the allowance.
    private var tokens: Int
    private var refilled: UInt64

    /// - Parameters:
    ///   - burst: 0 and up; 0 allows nothing.
    ///   - interval: nanoseconds, 1 and up.
    ///   - now: nanoseconds of the clock that later calls go by.
    package init(burst: Int, interval: UInt64, now: UInt64) {
        self.burst = burst
        self.interval = max(1, interval)
        self.tokens = burst
        self.refilled = now
    }

    /// Whether one more event is allowed at the instant.
    package mutating func take(now: UInt64) -> Bool {
        self.refill(now: now)
        guard self.tokens > 0 else { return false }
        self.tokens -= 1
        return true
    }

    /// Counts an event that has happened, allowed or not.
    package mutating func spend(now: UInt64) {
        self.refill(now: now)
        self.tokens -= 1
    }

    /// Undoes a `take`.
    mutating func giveBack() {
        self.tokens = min(self.burst, self.tokens + 1)
    }

    /// Nanoseconds until one more event is allowed, 0 if it is now.
    package mutating func wait(now: UInt64) -> UInt64 {
        self.refill(now: now)
        guard self.tokens <= 0 else { return 0 }
        return UInt64(1 - self.tokens) * self.interval - (now - min(now, self.refilled))
    }

    private mutating func refill(now: UInt64) {
        guard now > self.refilled else { return }
        let earned = (now - self.refilled) / self.interval
        if earned >= UInt64(self.burst - self.tokens) {
            self.tokens = self.burst
            self.refilled = now
        } else {
            self.tokens += Int(earned)
            self.refilled += earned * self.interval
        }
    }
}
