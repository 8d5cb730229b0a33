import NIOConcurrencyHelpers

/// Counts the open connections of a listener against its bound, over all loops.
final class Admission: Sendable {
    let listener: String
    private let maximum: Int
    private let counts = NIOLockedValueBox((open: 0, refused: UInt64(0)))

    init(listener: String, maximum: Int?) {
        self.listener = listener
        self.maximum = maximum ?? .max
    }

    /// Whether one more fits; then `leave` is due at its end.
    func enter() -> Bool {
        counts.withLockedValue { counts in
            guard counts.open < maximum else {
                counts.refused += 1
                return false
            }
            counts.open += 1
            return true
        }
    }

    func leave() { counts.withLockedValue { $0.open -= 1 } }

    var open: Int { counts.withLockedValue { $0.open } }
    var refused: UInt64 { counts.withLockedValue { $0.refused } }
}
