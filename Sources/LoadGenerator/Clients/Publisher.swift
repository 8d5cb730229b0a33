import MQTTClient
import MQTTCodec
import NIOCore

/// Publishes at a fixed rate from its first message on, or as fast as the server takes it.
///
/// A message that could not leave at its time, because the one before was not acknowledged or the connection was full, leaves as
/// soon as it can and counts as overrun.
final class Publisher: LoadRole {
    private unowned let client: LoadClient
    private let options: BenchOptions
    private let topic: TopicTemplate
    private var fixedTopic: ByteBuffer?
    private var payloads: PayloadSource
    /// Messages at QoS 1 and 2 without their final acknowledgement.
    private var outstanding = 0
    private var begin: NIODeadline?
    /// Messages since ``begin``.
    private var attempts: Int64 = 0
    private var isWaiting = false

    init(_ client: LoadClient) {
        let plan = client.worker.plan
        self.client = client
        options = plan.options
        topic = plan.topics[0]
        payloads = PayloadSource(plan.body, headers: plan.options.headers)
        if !topic.changes { fixedTopic = ByteBuffer(string: topic.text(for: client.identity)) }
    }

    func connected(sessionPresent: Bool) {
        begin = nil
        if client.worker.mayPublish { start() }
    }

    func start() {
        guard begin == nil, client.connection.session.phase == .connected else { return }
        let wait = options.randomWait.upperBound > 0 ? Nanoseconds.random(in: options.randomWait) : 0
        begin = .now() + .nanoseconds(Int64(wait))
        attempts = 0
        pump(onTime: true)
    }

    func received(_ event: ClientEvent) {
        switch event {
        case .published(let token, let code):
            acknowledged(code, sent: NIODeadline.uptimeNanoseconds(token))
        case .abandoned:
            settle(.publishFailed)
        default: return
        }
        pump(onTime: false)
    }

    func becameWritable() { pump(onTime: false) }

    func closed(finally: Bool) {
        begin = nil
        guard finally else { return }
        while outstanding > 0 { settle(.publishFailed) }
    }

    // MARK: Publishing

    private func pump(onTime: Bool) {
        guard let begin, client.worker.mayPublish else { return }
        var onTime = onTime
        let connection = client.connection
        let interval = Int64(options.messageInterval)
        while connection.session.phase == .connected, connection.isWritable {
            let now = NIODeadline.now()
            let due = begin + .nanoseconds(interval * attempts)
            guard due <= now else { return wait(until: due) }
            guard options.qos == .atMostOnce || connection.session.availableQuota > 0 else { return }
            guard client.worker.limit?.claim() ?? true else { return }
            publish(now)
            if interval > 0, attempts > 0, !onTime { client.worker.counters[.publishOverrun] += 1 }
            attempts += 1
            onTime = false
        }
    }

    private func wait(until due: NIODeadline) {
        guard !isWaiting else { return }
        isWaiting = true
        client.worker.timers.wake(self, at: due)
    }

    private func publish(_ now: NIODeadline) {
        let message = Publish(
            topic: fixedTopic ?? ByteBuffer(string: topic.text(for: client.identity)),
            payload: payloads.next(),
            qos: options.qos,
            retain: options.retain
        )
        client.worker.counters[.published] += 1
        if options.qos > .atMostOnce { outstanding += 1 }
        do throws(ClientError) {
            try client.connection.publish(message, token: now.uptimeNanoseconds, now: now)
            if options.qos == .atMostOnce { client.worker.limit?.settle() }
        } catch {
            client.say("publish error - \(error)")
            client.worker.counters[.publishFailed] += 1
            if options.qos > .atMostOnce { outstanding -= 1 }
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

extension Publisher: TimerTarget {
    func timeReached(_ now: NIODeadline) {
        isWaiting = false
        pump(onTime: true)
    }
}
