import Logging
import Metrics
import NIOConcurrencyHelpers
import NIOCore
import QUICTransport

/// The relay of a broker's QUIC listeners, and its metrics.
struct BrokerRelay: Sendable {
    /// Told the members by `update`.
    let relay: NodeRelay
    private let own: RelayNode?
    private let numbers: [String: UInt8]
    private let task = NIOLockedValueBox<RepeatedTask?>(nil)

    /// Opens the relay; `nil` if none is configured, or no QUIC listener is.
    ///
    /// - Throws: `RelayError`.
    init?(_ configuration: BrokerServerConfiguration, loops: [any EventLoop], logger: Logger) async throws {
        var names: [String] = []
        var first: QUICServerConfiguration?
        for listener in configuration.listeners {
            guard case .quic(let quic) = listener.transport else { continue }
            names.append(listener.name)
            first = first ?? quic
        }
        guard let relay = configuration.relay, let first, let loop = loops.first else { return nil }
        guard names.count <= RelayListeners.maximumCount else {
            throw RelayError("a node with a relay has at most \(RelayListeners.maximumCount) QUIC listeners")
        }
        do {
            self.relay = try await NodeRelay.open(
                relay,
                ring: KeyRing(first),
                first: loop,
                others: Array(loops.dropFirst()),
                logger: logger
            ).get()
        } catch {
            throw RelayError("cannot open the relay on \(relay.address): \(error)")
        }
        own = relay.membership.own?.node
        numbers = RelayListeners.numbers(of: names)
    }

    /// A listener's configuration with what the relay needs: identifiers of the run that other nodes know, and datagrams for which
    /// frames have room.
    func adapted(_ configuration: QUICServerConfiguration) -> QUICServerConfiguration {
        var configuration = configuration
        if let own {
            configuration.identifiers.node = own.number
            configuration.identifiers.incarnation = own.incarnation
        }
        let longest = min(configuration.common.maximumUDPPayload, relay.largestDatagram)
        configuration.common.maximumUDPPayload = longest
        return configuration
    }

    /// The relay of a loop with the number of a listener. To be used on that loop.
    func seat(of listener: BrokerServerConfiguration.Listener, worker: Int) -> (loop: LoopRelay, listener: UInt8)? {
        guard let loop = relay.relay(of: worker), let number = numbers[listener.name] else { return nil }
        return (loop, number)
    }

    // MARK: Metrics

    /// Copies the counts to the metrics system at an interval, as gauges that begin with `martlet_relay_`.
    func report(on loop: any EventLoop, every interval: TimeAmount) {
        let relay = relay
        let started = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            relay.report().whenSuccess { Self.record($0) }
        }
        task.withLockedValue { $0 = started }
    }

    private static func record(_ report: NodeRelay.Report) {
        for (name, value) in report.named { Gauge(label: "martlet_relay_\(name)").record(value) }
        for reachability in report.reachability {
            Gauge(label: "martlet_relay_reachable", dimensions: [("node", "\(reachability.node.number)")])
                .record(reachability.isReachable ? 1 : 0)
        }
    }

    func close() async {
        task.withLockedValue { $0?.cancel() }
        try? await relay.close().get()
    }
}

extension NodeRelay.Report {
    /// Each count's metric name, without `martlet_relay_`, and its value.
    var named: [(name: String, value: Int)] {
        total.named + [
            ("frames_dropped_by_kernel", droppedByKernel),
            ("sockets_replaced", socketsReplaced),
            ("send_calls", sendCalls),
        ]
    }
}

/// Why the relay cannot be opened.
struct RelayError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
