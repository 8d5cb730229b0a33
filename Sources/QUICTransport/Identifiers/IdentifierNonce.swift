/// The part of an identifier that no other identifier has: a counter of 48 bits with a random start, and 40 random bits.
///
/// None repeats within 2^48 identifiers. Two counters of the same place and incarnation, such as those of two listeners,
/// make the same identifier only if all 88 bits agree.
struct IdentifierNonce {
    static let counterBits = 48
    static let randomBits = 40

    private(set) var counter: UInt64

    init(counter: UInt64 = RandomBytes.number(bits: counterBits)) {
        self.counter = counter
    }

    /// - Returns: numbers below 2^48 and 2^40.
    mutating func next() -> (counter: UInt64, random: UInt64) {
        self.counter = (self.counter + 1) & (1 << UInt64(Self.counterBits) - 1)
        return (self.counter, RandomBytes.number(bits: Self.randomBits))
    }
}
