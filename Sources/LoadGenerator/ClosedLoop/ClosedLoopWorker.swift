import MQTTClient
import NIOCore

/// The flows and clients of a closed loop on one event loop. Confined to that loop.
final class ClosedLoopWorker {
    let plan: LoadPlan
    let loop: ClientLoop
    private(set) var isStopping = false
    private(set) var delivered = 0
    private(set) var latency = LatencyRecord()
    private(set) var readyAt: NIODeadline?
    /// The first error.
    private(set) var failure: String?

    private let output: BenchOutput
    private var clients: [ClosedLoopClient] = []
    private var flows: [Flow] = []
    private var nextClient = 0
    private var readyCount = 0
    private var isMeasuring = false

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

    func clientReady() {
        readyCount += 1
        if readyCount == clients.count { readyAt = .now() } else { connectMore() }
    }

    func failed(_ text: String, error: ClientError? = nil) {
        guard !isStopping, failure == nil else { return }
        failure = text
        if case .transport(let reason)? = error { output.hint(reason, options: plan.options) }
    }

    // MARK: Measuring

    func start() {
        for flow in flows { flow.start() }
    }

    func measure() {
        isMeasuring = true
        delivered = 0
        latency.reset()
    }

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
