/// How long the next attempt waits after one that failed: twice as long as the one before, up to a bound.
struct BackOff {
    static let first: Duration = .milliseconds(50)
    static let longest: Duration = .seconds(2)

    private var delay = first

    mutating func next() -> Duration {
        defer { delay = min(delay * 2, Self.longest) }
        return delay
    }

    mutating func reset() { delay = Self.first }
}
