import MQTTClient
import MQTTCodec
import NIOCore

/// One topic of one publisher: messages at a fixed rate from its first on, or as fast as the server takes them.
///
/// A message that could not leave at its time, because the one before was not acknowledged or the stream was full, leaves as soon
/// as it can and counts as overrun.
final class TopicFlow {
    private unowned let publisher: Publisher
    private let plan: FlowPlan
    private var fixedTopic: ByteBuffer?
    private var payloads: PayloadSource
    private var begin: NIODeadline?
    /// Messages since ``begin``.
    private var attempts: Int64 = 0
    private var isWaiting = false

    /// After which a stream that could not be opened is tried again.
    private static let streamRetryDelay = TimeAmount.seconds(1)

    init(_ plan: FlowPlan, of publisher: Publisher) {
        self.plan = plan
        self.publisher = publisher
        let identity = publisher.client.identity
        payloads = plan.payload.source(for: identity, headers: publisher.client.worker.plan.options.headers)
        if !plan.topic.changes { fixedTopic = ByteBuffer(string: plan.topic.text(for: identity)) }
    }

    func start(at instant: NIODeadline) {
        begin = instant + .nanoseconds(Int64(plan.delay))
        attempts = 0
    }

    func stop() { begin = nil }

    func pump(onTime: Bool) {
        let client = publisher.client
        let worker = client.worker
        guard let begin, worker.mayPublish else { return }
        var onTime = onTime
        let interval = Int64(plan.interval)
        while client.connection.session.phase == .connected, let link = link(), link.isWritable {
            let now = NIODeadline.now()
            let due = begin + .nanoseconds(interval * attempts)
            guard due <= now else { return wait(until: due) }
            guard plan.qos == .atMostOnce || link.availableQuota > 0 else { return }
            guard worker.limit?.claim() ?? true else { return }
            let message = Publish(
                topic: fixedTopic ?? ByteBuffer(string: plan.topic.text(for: client.identity)),
                payload: payloads.next(),
                qos: plan.qos,
                retain: plan.retain
            )
            publisher.publish(message, over: link, now: now)
            if interval > 0, attempts > 0, !onTime { worker.counters[.publishOverrun] += 1 }
            attempts += 1
            onTime = false
        }
    }

    private func link() -> (any ClientLink)? {
        do throws(ClientError) {
            return try publisher.streams.link(plan.stream, priority: plan.priority)
        } catch {
            // Such as one that has ended and is not given back yet.
            if !isWaiting { publisher.client.say("stream \(plan.stream) not opened - \(error)") }
            wait(until: .now() + Self.streamRetryDelay)
            return nil
        }
    }

    private func wait(until due: NIODeadline) {
        guard !isWaiting else { return }
        isWaiting = true
        publisher.client.worker.timers.wake(self, at: due)
    }
}

extension TopicFlow: TimerTarget {
    func timeReached(_ now: NIODeadline) {
        isWaiting = false
        pump(onTime: true)
    }
}
