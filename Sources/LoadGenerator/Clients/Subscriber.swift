import MQTTClient
import MQTTCodec

/// The role that subscribes, and counts received messages.
final class Subscriber: LoadRole {
    private unowned let client: LoadClient
    private let streams: LoadStreams
    private let headers: [PayloadHeader]
    /// The last `cnt64` of each stream of the publisher.
    private var lastCounters: [UInt64: UInt64] = [:]
    /// SUBSCRIBE packets without SUBACK, and whether one of them has failed.
    private var unanswered = 0
    private var hasFailed = false

    init(_ client: LoadClient) {
        self.client = client
        streams = LoadStreams(client)
        headers = client.worker.plan.options.headers
    }

    func connected(sessionPresent: Bool) {
        let options = client.worker.plan.options
        unanswered = 0
        hasFailed = false
        // A session that was present keeps its subscriptions, except those of data streams.
        guard !sessionPresent || options.streams > 0 else { return }
        let filters = client.worker.plan.filters.map { $0.text(for: client.identity) }
        let byStream = Dictionary(grouping: filters.indices) { options.stream(of: $0) }
        for (stream, indices) in byStream.sorted(by: { $0.key < $1.key }) {
            subscribe(indices.map { filters[$0] }, on: stream)
        }
    }

    private func subscribe(_ filters: [String], on stream: Int) {
        let options = SubscriptionOptions(maximumQoS: client.worker.plan.options.qos)
        let request = Subscribe(
            packetIdentifier: 0,
            subscriptions: filters.map { .init(topicFilter: $0, options: options) }
        )
        unanswered += 1
        do throws(ClientError) {
            try streams.link(stream).subscribe(request, token: 0)
        } catch {
            answered(failure: "\(error)")
        }
    }

    func received(_ event: ClientEvent) {
        switch event {
        case .message(let message): received(message)
        case .subscribed(_, let answer): answered(failure: answer.reasonCodes.first(where: \.isError)?.text)
        default: break
        }
    }

    private func answered(failure: String?) {
        unanswered -= 1
        if let failure {
            hasFailed = true
            client.say("subscribe error - \(failure)")
        }
        guard unanswered == 0 else { return }
        client.worker.counters[hasFailed ? .subscribeFailed : .subscribed] += 1
    }

    private func received(_ message: Publish) {
        let worker = client.worker
        worker.counters[.received] += 1
        if !headers.isEmpty { read(ReceivedHeaders(headers, of: message.payload)) }
        worker.limit?.complete()
    }

    private func read(_ values: ReceivedHeaders) {
        let worker = client.worker
        if let latency = values.latency {
            worker.counters[.publishLatency] += latency / 1000
            worker.latencies.endToEnd.record(microseconds: latency)
        }
        if let counter = values.counter {
            let last = lastCounters.updateValue(counter, forKey: MessageCounter.stream(of: counter))
            if let last, counter != last &+ 1 { worker.sequenceBreaks += 1 }
        }
    }

    /// The stream's subscriptions have ended with it; the summary counts ended streams.
    func streamEnded(_ number: Int) {}
    func start() {}
    func becameWritable() {}
    func closed(finally: Bool) {}
}
