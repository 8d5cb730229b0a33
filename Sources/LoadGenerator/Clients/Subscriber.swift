import MQTTClient
import MQTTCodec

/// Subscribes and counts.
final class Subscriber: LoadRole {
    private unowned let client: LoadClient
    private let headers: [PayloadHeader]
    private var lastCounter: UInt64?

    init(_ client: LoadClient) {
        self.client = client
        headers = client.worker.plan.options.headers
    }

    func connected(sessionPresent: Bool) {
        // What a session that goes on was subscribed to it still is.
        guard !sessionPresent else { return }
        let plan = client.worker.plan
        let options = SubscriptionOptions(maximumQoS: plan.options.qos)
        let subscriptions = plan.topics.map {
            Subscribe.Subscription(topicFilter: $0.text(for: client.identity), options: options)
        }
        try? client.connection.subscribe(Subscribe(packetIdentifier: 0, subscriptions: subscriptions))
    }

    func received(_ event: ClientEvent) {
        switch event {
        case .message(let message): received(message)
        case .subscribed(_, let answer): subscribed(answer)
        default: break
        }
    }

    private func subscribed(_ answer: SubscribeAcknowledgement) {
        if let failure = answer.reasonCodes.first(where: \.isError) {
            client.worker.counters[.subscribeFailed] += 1
            client.say("subscribe error - \(failure.text)")
        } else {
            client.worker.counters[.subscribed] += 1
        }
    }

    private func received(_ message: Publish) {
        let worker = client.worker
        worker.counters[.received] += 1
        if !headers.isEmpty { read(ReceivedHeaders(headers, of: message.payload)) }
        worker.limit?.settle()
    }

    private func read(_ values: ReceivedHeaders) {
        let worker = client.worker
        if let latency = values.latency {
            worker.counters[.publishLatency] += latency / 1000
            worker.latencies.endToEnd.record(microseconds: latency)
        }
        if let counter = values.counter {
            if let lastCounter, counter != lastCounter &+ 1 { worker.sequenceBreaks += 1 }
            lastCounter = counter
        }
    }

    func start() {}
    func becameWritable() {}
    func closed(finally: Bool) {}
}
