import MQTTClient
import MQTTCodec
import NIOCore

/// The role that publishes on its topics, each at its own rate. Topics that are due take turns, so that none of them uses the whole
/// window or stream.
final class Publisher: LoadRole {
    unowned let client: LoadClient
    let streams: LoadStreams
    private let options: BenchOptions
    /// The topics; the one that has published last is last.
    private var flows: [TopicFlow] = []
    /// Messages at QoS 1 and 2 without their final acknowledgement, on all streams.
    private var outstanding = 0
    private var hasStarted = false

    init(_ client: LoadClient) {
        self.client = client
        options = client.worker.plan.options
        streams = LoadStreams(client)
        // Messages keep their order on one stream, and so do their numbers.
        var counters: [Int: MessageCounter] = [:]
        for plan in client.worker.plan.flows {
            let counter = counters[plan.stream] ?? MessageCounter(stream: plan.stream)
            counters[plan.stream] = counter
            flows.append(TopicFlow(plan, of: self, counter: counter))
        }
    }

    func connected(sessionPresent: Bool) {
        hasStarted = false
        if client.worker.mayPublish { start() }
    }

    func start() {
        guard !hasStarted, client.connection.phase == .connected else { return }
        hasStarted = true
        let wait = options.randomWait.upperBound > 0 ? Nanoseconds.random(in: options.randomWait) : 0
        let begin = NIODeadline.now() + .nanoseconds(Int64(wait))
        for flow in flows { flow.start(at: begin) }
        pump()
    }

    func received(_ event: ClientEvent) {
        switch event {
        case .published(let token, let code):
            acknowledged(code, sent: NIODeadline.uptimeNanoseconds(token))
        case .abandoned:
            countEnd(.publishFailed)
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
        while outstanding > 0 { countEnd(.publishFailed) }
    }

    // MARK: Publishing

    /// Publishes messages that are due, while window and streams have room.
    func pump() {
        while client.worker.mayPublish, client.connection.phase == .connected, takeTurns() {}
    }

    /// Each flow publishes at most one message; the flow that has waited longest goes first.
    ///
    /// - Returns: false if none published.
    private func takeTurns() -> Bool {
        var turns = 0
        var index = 0
        while index < flows.count - turns {
            if flows[index].publishNext() {
                flows.append(flows.remove(at: index))
                turns += 1
            } else {
                index += 1
            }
        }
        return turns > 0
    }

    /// True if another message may be without its final acknowledgement (`--inflight`).
    var mayAwaitMore: Bool { options.inflight == 0 || outstanding < options.inflight }

    func publish(_ message: Publish, over link: ClientLink, now: NIODeadline) {
        client.worker.counters[.published] += 1
        if message.qos > .atMostOnce {
            outstanding += 1
            client.worker.awaited += 1
        }
        do throws(ClientError) {
            try link.publish(message, token: now.uptimeNanoseconds, now: now)
            if message.qos == .atMostOnce { client.worker.limit?.complete() }
        } catch {
            client.say("publish error - \(error)")
            client.worker.counters[.publishFailed] += 1
            if message.qos > .atMostOnce { outstanding -= 1 }
            client.worker.limit?.complete()
        }
    }

    private func acknowledged(_ code: ReasonCode, sent: NIODeadline) {
        client.worker.latencies.acknowledgement.record(microseconds: (.now() - sent).microseconds)
        switch code {
        case .success: countEnd(.publishSucceeded)
        case .noMatchingSubscribers: countEnd(.publishedToNobody)
        default: countEnd(.publishFailed)
        }
    }

    /// Counts how a message at QoS 1 or 2 ended, which is no longer outstanding.
    private func countEnd(_ counter: Counter) {
        guard outstanding > 0 else { return }
        outstanding -= 1
        client.worker.counters[counter] += 1
        client.worker.limit?.complete()
    }
}
