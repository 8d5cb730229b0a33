internal import Metrics
internal import NIOConcurrencyHelpers

/// Copies what a writer counts to the metrics system, when it is called.
package final class StoreMetrics: Sendable {
    private let writer: CommitWriter
    private let reported = NIOLockedValueBox(StoreCounters())

    package init(_ writer: CommitWriter) { self.writer = writer }

    /// Adds the growth since the last call to the counters `martlet_store_NAME_total`, and sets the gauges
    /// `martlet_store_queued_octets`, `martlet_store_octets` and `martlet_store_state`, which is 1 for the state that the store is in.
    package func report() {
        let counted = writer.counters
        let before = reported.withLockedValue { before in
            defer { before = counted }
            return before
        }
        for (name, path) in StoreCounters.names {
            let grown = counted[keyPath: path] - before[keyPath: path]
            if grown > 0 { Counter(label: "martlet_store_\(name)_total").increment(by: grown) }
        }
        Gauge(label: "martlet_store_queued_octets").record(writer.queuedOctets)
        Gauge(label: "martlet_store_octets").record(writer.octetCount)
        let state = writer.health.name
        for name in StoreHealth.names {
            Gauge(label: "martlet_store_state", dimensions: [("state", name)]).record(name == state ? 1 : 0)
        }
    }
}
