package import NIOCore

/// How long something took lately: the last 30 to 60 s, as two sums, so that nothing is kept for each time.
package struct RecentTimes: Sendable {
    private struct Part {
        var count = 0
        var sum: TimeAmount = .zero
        var longest: TimeAmount = .zero
    }

    private var before = Part()
    private var current = Part()
    private var since: NIODeadline

    /// The span of each of the two.
    package static let span: TimeAmount = .seconds(30)

    package init(_ now: NIODeadline) { since = now }

    package mutating func add(_ time: TimeAmount, _ now: NIODeadline) {
        advance(now)
        current.count += 1
        current.sum = current.sum + time
        current.longest = max(current.longest, time)
    }

    package mutating func advance(_ now: NIODeadline) {
        guard now >= since + Self.span else { return }
        before = now >= since + Self.span * 2 ? Part() : current
        current = Part()
        since = now
    }

    /// How many there were.
    package var count: Int { before.count + current.count }
    /// All of them together.
    package var sum: TimeAmount { before.sum + current.sum }
    package var longest: TimeAmount { max(before.longest, current.longest) }
}
