/// The numbers of frames that were received lately: a bitmap that moves with the highest number (RFC 4303 §3.4.3), in a
/// ring of words that are cleared as it passes them (RFC 6479).
package struct ReplayWindow: Sendable {
    /// Numbers below the highest that are told apart.
    package static let width: UInt64 = 1_024

    /// How a number stands to those before.
    package enum Verdict: Sendable {
        case fresh
        case replayed
        /// Too old to tell.
        case outOfWindow
    }

    /// One word more than the width needs, so that clearing a word forgets no number of the window.
    private static let words: UInt64 = width / 64 + 1

    private var bits = InlineArray<17, UInt64>(repeating: 0)
    /// One more than the highest number that was marked.
    private var next: UInt64 = 0

    package init() {}

    /// - Parameter number: less than 2^63.
    package func verdict(_ number: UInt64) -> Verdict {
        if number >= self.next { return .fresh }
        guard self.next - number <= Self.width else { return .outOfWindow }
        return self.bits[Self.word(number)] & Self.bit(number) == 0 ? .fresh : .replayed
    }

    /// Notes a number that is fresh, of a frame that is authentic.
    package mutating func mark(_ number: UInt64) {
        if number >= self.next {
            let newest = self.next == 0 ? 0 : (self.next - 1) / 64
            let passed = min(number / 64 - newest, Self.words)
            for step in 0..<passed { self.bits[Int((number / 64 - step) % Self.words)] = 0 }
            self.next = number + 1
        }
        self.bits[Self.word(number)] |= Self.bit(number)
    }

    private static func word(_ number: UInt64) -> Int { Int(number / 64 % self.words) }
    private static func bit(_ number: UInt64) -> UInt64 { 1 << (number % 64) }
}
