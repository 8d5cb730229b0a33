import MQTTClient
import NIOCore

/// Changes a client's address at an interval, across the addresses that the load was given.
///
/// The first changes of the clients are spread over the interval.
final class Mover: TimerTarget {
    private unowned let client: LoadClient
    private let index: Int
    private let interval: TimeAmount
    private var moves = 0
    private var isStarted = false

    init(_ client: LoadClient, index: Int, interval: Nanoseconds) {
        self.client = client
        self.index = index
        self.interval = .nanoseconds(Int64(clamping: interval))
    }

    /// Starts the changes at the first CONNACK; later ones do not start them again.
    func start() {
        guard !isStarted else { return }
        isStarted = true
        let share = Double(index + 1) / Double(client.worker.plan.options.count)
        let wait = TimeAmount.nanoseconds(Int64(Double(interval.nanoseconds) * share))
        client.worker.timers.wake(self, at: .now() + wait)
    }

    func timeReached(_ now: NIODeadline) {
        guard !client.worker.isStopping else { return }
        client.worker.timers.wake(self, at: now + interval)
        guard client.connection.phase == .connected else { return }
        moves += 1
        let plan = client.worker.plan
        guard let local = plan.localAddress(index, move: moves) else { return }
        client.connection.migrate(to: local, plan.options.migration).assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                self.client.worker.counters[.migrated] += 1
            case .failure(let error):
                self.client.worker.counters[.migrateFailed] += 1
                self.client.say("migrate error - \(error)")
            }
        }
    }
}
