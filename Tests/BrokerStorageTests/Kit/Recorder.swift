import BrokerStorage
import Dispatch
import NIOConcurrencyHelpers

/// What a source was told, which a test waits for.
final class Recorder: Sendable {
    private let events = NIOLockedValueBox<[StoreEvent]>([])

    func record(_ event: StoreEvent) { events.withLockedValue { $0.append(event) } }

    var all: [StoreEvent] { events.withLockedValue { $0 } }

    /// How many batches are known to be on disk.
    var batches: Int {
        all.reduce(0) { sum, event in
            if case .committed(_, let batches) = event { sum + batches } else { sum }
        }
    }

    /// The number of the last commit, or 0.
    var last: Int64 {
        all.reduce(0) { last, event in
            if case .committed(let number, _) = event { number } else { last }
        }
    }
}

struct TimedOut: Error {
    let what: String
}

/// Waits for something that comes from another thread or process, for a minute at most.
func wait(for what: String, _ condition: () throws -> Bool) async throws {
    for _ in 0..<12_000 {
        if try condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    throw TimedOut(what: what)
}
