import BrokerStorage
import NIOConcurrencyHelpers

/// A line on standard error for each tenth of a long operation.
final class ProgressLine: Sendable {
    private let shown = NIOLockedValueBox(0)

    func show(_ what: String, _ progress: StoreProgress) {
        show(what, done: progress.done, of: progress.total)
    }

    /// - Parameters:
    ///   - done: octets, or as many of `unit`.
    ///   - total: octets or units in all.
    func show(_ what: String, done: Int, of total: Int, unit: String? = nil) {
        guard total > 0 else { return }
        let tenths = Int(10 * Double(done) / Double(total))
        let isNew = shown.withLockedValue { shown in
            guard tenths > shown else { return false }
            shown = tenths
            return true
        }
        let all = unit.map { "\(total) \($0)" } ?? "\(total / 1_048_576) MiB"
        if isNew { Terminal.note("\(what): \(tenths * 10) % of \(all)") }
    }
}
