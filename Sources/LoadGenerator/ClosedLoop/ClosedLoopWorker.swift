import MQTTClient
import NIOCore

/// The flows and clients of a closed loop (`bench pair`, `fanout`, `idle`) on one event loop, to which all calls are confined.
///
/// In a closed loop a publisher sends the next message when all subscribers have received an earlier one (``Flow``).
final class ClosedLoopWorker {
    let plan: LoadPlan
    let loop: ClientLoop
    private(set) var isStopping = false
    /// Messages that arrived at subscribers since `measure()`.
    private(set) var delivered = 0
    private(set) var latency = LatencyRecord()
    /// When all clients were connected and subscribed; `nil` before.
    private(set) var readyAt: NIODeadline?
    /// The first error.
    private(set) var failure: String?

    private let output: BenchOutput
    private var clients: [ClosedLoopClient] = []
    private var flows: [Flow] = []
    private var nextClient = 0
    private var readyCount = 0
    private var isMeasuring = false

    /// The most clients that connect or subscribe at a time.
    private static let maximumConnecting = 64

    /// - Parameter number: from 0; the worker has each `workers`-th flow, or connection.
    init(_ number: Int, of workers: Int, plan: LoadPlan, eventLoop: any EventLoop, output: BenchOutput) {
        self.plan = plan
        self.output = output
        loop = ClientLoop(eventLoop: eventLoop)
        let options = plan.options
        let prefix = "load/\(UInt32.random(in: 0...(.max)))"
        switch options.command {
        case .fanout:
            if number == 0 { addFlow(topic: "\(prefix)/0", subscribers: options.count) }
        case .pair:
            for index in stride(from: number, to: options.count, by: workers) {
                addFlow(topic: "\(prefix)/\(index)", subscribers: 1)
            }
        default:
            for index in stride(from: number, to: options.count, by: workers) {
                clients.append(ClosedLoopClient(.idle, topic: "", index: index, worker: self))
            }
        }
    }

    private func addFlow(topic: String, subscribers: Int) {
        let publisher = ClosedLoopClient(.publisher, topic: topic, index: clients.count, worker: self)
        let flow = Flow(publisher, topic: topic, subscribers: subscribers, worker: self)
        flows.append(flow)
        clients.append(publisher)
        for _ in 0..<subscribers {
            let index = clients.count
            clients.append(ClosedLoopClient(.subscriber(of: flow), topic: topic, index: index, worker: self))
        }
    }

    /// Connects and subscribes all clients, and then sets ``readyAt`` or ``failure``.
    func connect() {
        if clients.isEmpty { readyAt = .now() }
        connectMore()
    }

    private func connectMore() {
        while nextClient < clients.count, nextClient - readyCount < Self.maximumConnecting, failure == nil {
            clients[nextClient].connection.connect()
            nextClient += 1
        }
    }

    /// A client is connected, and subscribed if it is a subscriber.
    func clientReady() {
        readyCount += 1
        if readyCount == clients.count { readyAt = .now() } else { connectMore() }
    }

    /// A client has failed, which ends the run.
    func failed(_ text: String, error: ClientError? = nil) {
        guard !isStopping, failure == nil else { return }
        failure = text
        if case .transport(let reason)? = error { output.hint(reason, options: plan.options) }
    }

    // MARK: Measuring

    /// Publishes the first window of each flow.
    func start() {
        for flow in flows { flow.start() }
    }

    /// Begins to count, after the warm-up.
    func measure() {
        isMeasuring = true
        delivered = 0
        latency.reset()
    }

    /// A message has arrived at a subscriber, `nanoseconds` after it was published.
    @inline(__always)
    func delivered(after nanoseconds: UInt64) {
        guard isMeasuring else { return }
        delivered += 1
        latency.record(microseconds: nanoseconds / 1000)
    }

    func stopMeasuring() -> (delivered: Int, latency: LatencyRecord) {
        isMeasuring = false
        return (delivered, latency)
    }

    func stop() -> EventLoopFuture<Void> {
        isStopping = true
        for client in clients { client.connection.disconnect() }
        return loop.shutdown()
    }
}
