import BrokerStorage
import NIOConcurrencyHelpers

/// A line on standard error for each tenth of a long operation.
final class ProgressLine: Sendable {
    private let shown = NIOLockedValueBox(0)

    func show(_ what: String, _ progress: StoreProgress) {
        guard progress.total > 0 else { return }
        let tenths = Int(10 * Double(progress.done) / Double(progress.total))
        let isNew = shown.withLockedValue { shown in
            guard tenths > shown else { return false }
            shown = tenths
            return true
        }
        if isNew { Terminal.note("\(what): \(tenths * 10) % of \(progress.total / 1_048_576) MiB") }
    }
}
