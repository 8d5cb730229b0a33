/// Allows `burst` events at once and one more each `interval`.
struct TokenBucket {
    let burst: Int
    /// Nanoseconds.
    let interval: UInt64
    private var tokens: Int
    private var refilled: UInt64

    init(burst: Int, interval: UInt64, now: UInt64) {
        self.burst = burst
        self.interval = max(1, interval)
        self.tokens = burst
        self.refilled = now
    }

    /// Whether one more event is allowed at the instant.
    mutating func take(now: UInt64) -> Bool {
        if now > self.refilled {
            let earned = (now - self.refilled) / self.interval
            if earned >= UInt64(self.burst - self.tokens) {
                self.tokens = self.burst
                self.refilled = now
            } else {
                self.tokens += Int(earned)
                self.refilled += earned * self.interval
            }
        }
        guard self.tokens > 0 else { return false }
        self.tokens -= 1
        return true
    }
}
