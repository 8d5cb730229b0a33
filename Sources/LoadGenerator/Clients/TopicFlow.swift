import MQTTClient
import MQTTCodec
import NIOCore

/// One topic of one publisher: messages at a fixed rate, or as fast as the server takes them.
///
/// A message that could not be sent when it was due, since the window or the stream was full, is sent as soon as possible and
/// counts as overrun.
final class TopicFlow {
    private unowned let publisher: Publisher
    private let plan: FlowPlan
    private var fixedTopic: ByteBuffer?
    private var payloads: PayloadSource
    private var begin: NIODeadline?
    /// Messages since ``begin``.
    private var attempts: Int64 = 0
    private let counter: MessageCounter
    /// When the timer is due; earlier calls of the timer are ignored.
    private var wakeTime: NIODeadline?
    /// True during a call of the timer.
    private var isOnTime = false

    /// The time until another attempt to open a stream.
    private static let streamRetryDelay = TimeAmount.seconds(1)

    init(_ plan: FlowPlan, of publisher: Publisher, counter: MessageCounter) {
        self.plan = plan
        self.publisher = publisher
        self.counter = counter
        let identity = publisher.client.identity
        payloads = plan.payload.source(for: identity)
        if !plan.topic.changes { fixedTopic = ByteBuffer(string: plan.topic.text(for: identity)) }
    }

    func start(at instant: NIODeadline) {
        begin = instant + .nanoseconds(Int64(plan.delay))
        attempts = 0
        wakeTime = nil
    }

    func stop() { begin = nil }

    /// Publishes one message if it is due, and window and stream have room.
    func publishNext() -> Bool {
        guard let begin, wakeTime == nil else { return false }
        let worker = publisher.client.worker
        let interval = Int64(plan.interval)
        let now = NIODeadline.now()
        let due = begin + .nanoseconds(interval * attempts)
        guard due <= now else {
            wait(until: due)
            return false
        }
        if plan.qos > .atMostOnce, !publisher.mayAwaitMore { return false }
        guard let link = link(), link.isWritable, plan.qos == .atMostOnce || link.availableQuota > 0,
            worker.limit?.take() ?? true
        else { return false }
        let message = Publish(
            topic: fixedTopic ?? ByteBuffer(string: plan.topic.text(for: publisher.client.identity)),
            payload: payloads.next(counter),
            qos: plan.qos,
            retain: plan.retain
        )
        publisher.publish(message, over: link, now: now)
        if interval > 0, attempts > 0, !isOnTime { worker.counters[.publishOverrun] += 1 }
        attempts += 1
        isOnTime = false
        return true
    }

    private func link() -> ClientLink? {
        do throws(ClientError) {
            return try publisher.streams.link(plan.stream, priority: plan.priority)
        } catch {
            // Such as too many open streams, until the server gives credit for another.
            publisher.client.say("stream \(plan.stream) not opened - \(error)")
            wait(until: .now() + Self.streamRetryDelay)
            return nil
        }
    }

    private func wait(until time: NIODeadline) {
        wakeTime = time
        publisher.client.worker.timers.wake(self, at: time)
    }
}

extension TopicFlow: TimerTarget {
    func timeReached(_ now: NIODeadline) {
        guard let wakeTime, wakeTime <= now else { return }
        self.wakeTime = nil
        isOnTime = true
        publisher.pump()
        isOnTime = false
    }
}
