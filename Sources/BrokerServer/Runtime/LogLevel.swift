package import Logging
import Synchronization

/// The least level that is logged, which can change while the broker runs. Copies of a logger share it.
package final class LogLevel: Sendable {
    private let index: Atomic<Int>
    /// Kept, since `allCases` is made anew each time, and each call of a logger asks.
    private static let levels = Array(Logger.Level.allCases)

    package init(_ level: Logger.Level) { index = Atomic(Self.index(of: level)) }

    package var value: Logger.Level {
        get { Self.levels[index.load(ordering: .relaxed)] }
        set { index.store(Self.index(of: newValue), ordering: .relaxed) }
    }

    private static func index(of level: Logger.Level) -> Int { levels.firstIndex(of: level) ?? 0 }
}
