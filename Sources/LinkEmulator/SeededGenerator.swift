/// The SplitMix64 generator: the same seed yields the same numbers on every machine.
struct SeededGenerator: Sendable {
    private var state: UInt64

    /// - Parameter purpose: makes generators of one seed differ, so that the draws for one effect do not depend on which other
    ///   effects are in use.
    init(seed: UInt64, purpose: UInt64) {
        state = seed
        state = next() ^ (purpose &* 0x9E37_79B9_7F4A_7C15)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// True with the given probability.
    mutating func happens(_ probability: Probability) -> Bool { next() < probability.threshold }

    /// A uniform number from 0 to `bound`, both included.
    mutating func next(upTo bound: UInt64) -> UInt64 {
        bound == .max ? next() : next().multipliedFullWidth(by: bound + 1).high
    }
}

/// A probability in steps of 2^-64. `always` is 2^-64 less than 1.
package struct Probability: Sendable, Equatable {
    let threshold: UInt64

    package static let never = Probability(0)
    package static let always = Probability(1)

    /// - Parameter value: 0 to 1; values outside are clamped.
    package init(_ value: Double) {
        threshold = value >= 1 ? .max : value > 0 ? UInt64(value * 0x1p64) : 0
    }
}
