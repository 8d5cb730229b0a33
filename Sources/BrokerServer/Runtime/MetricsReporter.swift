import MQTTBroker
import Metrics
import NIOConcurrencyHelpers
import NIOCore
import QUICTransport

/// Copies the counters of shards, listeners and QUIC endpoints to the metrics system (swift-metrics) at an interval, so that
/// the hot path only adds to plain integers.
///
/// Metric names begin with `martlet_`. Shards, listeners and loops are dimensions.
final class MetricsReporter: Sendable {
    private let shards: ShardGroup
    private let tasks = NIOLockedValueBox<[RepeatedTask]>([])

    init(shards: ShardGroup) { self.shards = shards }

    func start(
        listeners: [Admission],
        endpoints: [(label: String, endpoints: [NIOLoopBound<QUICEndpoint>])],
        store: (any CommitStore)?,
        on loop: any EventLoop,
        every interval: TimeAmount
    ) {
        var started = shards.repeatOnEachLoop(every: interval) { $0.reportMetrics() }
        started.append(reportListeners(listeners, on: loop, every: interval))
        if let store {
            started.append(loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in store.report() })
        }
        for (label, endpoints) in endpoints {
            for (loop, endpoint) in endpoints.enumerated() {
                started.append(report(endpoint, of: label, loop: loop, every: interval))
            }
        }
        tasks.withLockedValue { $0 = started }
    }

    func stop() {
        for task in tasks.withLockedValue({ $0 }) { task.cancel() }
    }

    private func reportListeners(_ listeners: [Admission], on loop: any EventLoop, every interval: TimeAmount)
        -> RepeatedTask
    {
        loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            for listener in listeners {
                let dimensions = [("listener", listener.listener)]
                Gauge(label: "martlet_listener_connections", dimensions: dimensions).record(listener.open)
                Gauge(label: "martlet_listener_connections_refused", dimensions: dimensions).record(listener.refused)
                Gauge(label: "martlet_listener_connections_delayed", dimensions: dimensions).record(listener.delayed)
                Gauge(label: "martlet_listener_connections_shed", dimensions: dimensions).record(listener.shed)
                Gauge(label: "martlet_listener_clients_waiting", dimensions: dimensions).record(listener.waiting)
                Gauge(label: "martlet_listener_clients_abandoned", dimensions: dimensions).record(listener.abandoned)
                Gauge(label: "martlet_listener_accepts_paused", dimensions: dimensions).record(listener.acceptsPaused)
                Gauge(label: "martlet_listener_accepts_failed", dimensions: dimensions).record(listener.acceptsFailed)
            }
        }
    }

    private func report(
        _ endpoint: NIOLoopBound<QUICEndpoint>,
        of listener: String,
        loop: Int,
        every interval: TimeAmount
    ) -> RepeatedTask {
        let dimensions = [("listener", listener), ("loop", "\(loop)")]
        return endpoint.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            for (name, value) in endpoint.value.counters.named {
                Gauge(label: "martlet_quic_\(name)", dimensions: dimensions).record(value)
            }
            Gauge(label: "martlet_quic_datagrams_dropped_by_kernel", dimensions: dimensions)
                .record(endpoint.value.datagramsDroppedByKernel)
        }
    }
}

extension ShardRunner {
    /// Adds the growth of this shard's counters since the last call to its metrics.
    func reportMetrics() {
        let dimensions = [("shard", "\(shard.index)")]
        let counted = shard.counters
        for (name, path) in Counters.names {
            let grown = counted[keyPath: path] &- reported[keyPath: path]
            if grown > 0 { Counter(label: "martlet_\(name)_total", dimensions: dimensions).increment(by: grown) }
        }
        reported = counted
        Gauge(label: "martlet_connections", dimensions: dimensions).record(shard.connectionCount)
        Gauge(label: "martlet_sessions", dimensions: dimensions).record(shard.sessionCount)
        Gauge(label: "martlet_subscriptions", dimensions: dimensions).record(shard.subscriptionCount)
        Gauge(label: "martlet_retained_messages", dimensions: dimensions).record(shard.retainedCount)
        Gauge(label: "martlet_withheld_octets", dimensions: dimensions).record(shard.withheldOctets)
        Gauge(label: "martlet_queue_memory_octets", dimensions: dimensions).record(shard.queueMemoryOctets)
        Gauge(label: "martlet_lanes_quarantined", dimensions: dimensions).record(shard.quarantinedLanes)
        Gauge(label: "martlet_suspended", dimensions: dimensions).record(shard.isSuspended ? 1 : 0)
    }
}
