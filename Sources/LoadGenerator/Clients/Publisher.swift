import MQTTClient
import MQTTCodec
import NIOCore

/// Publishes on its topics, each at its own rate.
final class Publisher: LoadRole {
    unowned let client: LoadClient
    let streams: LoadStreams
    private let options: BenchOptions
    private var flows: [TopicFlow] = []
    /// Messages at QoS 1 and 2 without their final acknowledgement.
    private var outstanding = 0
    private var hasStarted = false

    init(_ client: LoadClient) {
        self.client = client
        options = client.worker.plan.options
        streams = LoadStreams(client)
        flows = client.worker.plan.flows.map { TopicFlow($0, of: self) }
    }

    func connected(sessionPresent: Bool) {
        hasStarted = false
        if client.worker.mayPublish { start() }
    }

    func start() {
        guard !hasStarted, client.connection.session.phase == .connected else { return }
        hasStarted = true
        let wait = options.randomWait.upperBound > 0 ? Nanoseconds.random(in: options.randomWait) : 0
        let begin = NIODeadline.now() + .nanoseconds(Int64(wait))
        for flow in flows {
            flow.start(at: begin)
            flow.pump(onTime: true)
        }
    }

    func received(_ event: ClientEvent) {
        switch event {
        case .published(let token, let code):
            acknowledged(code, sent: NIODeadline.uptimeNanoseconds(token))
        case .abandoned:
            settle(.publishFailed)
        default: return
        }
        pump()
    }

    func becameWritable() { pump() }

    func streamEnded(_ number: Int) { pump() }

    func closed(finally: Bool) {
        hasStarted = false
        for flow in flows { flow.stop() }
        guard finally else { return }
        while outstanding > 0 { settle(.publishFailed) }
    }

    // MARK: Publishing

    private func pump() {
        for flow in flows { flow.pump(onTime: false) }
    }

    func publish(_ message: Publish, over link: any ClientLink, now: NIODeadline) {
        client.worker.counters[.published] += 1
        if message.qos > .atMostOnce {
            outstanding += 1
            client.worker.awaited += 1
        }
        do throws(ClientError) {
            try link.publish(message, token: now.uptimeNanoseconds, now: now)
            if message.qos == .atMostOnce { client.worker.limit?.settle() }
        } catch {
            client.say("publish error - \(error)")
            client.worker.counters[.publishFailed] += 1
            if message.qos > .atMostOnce { outstanding -= 1 }
            client.worker.limit?.settle()
        }
    }

    private func acknowledged(_ code: ReasonCode, sent: NIODeadline) {
        client.worker.latencies.acknowledgement.record(microseconds: (.now() - sent).microseconds)
        switch code {
        case .success: settle(.publishSucceeded)
        case .noMatchingSubscribers: settle(.publishedToNobody)
        default: settle(.publishFailed)
        }
    }

    private func settle(_ counter: Counter) {
        guard outstanding > 0 else { return }
        outstanding -= 1
        client.worker.counters[counter] += 1
        client.worker.limit?.settle()
    }
}
