import MQTTCodec
import NIOCore

/// One topic of all publishers: rate, payload and stream.
struct FlowPlan: Sendable {
    let topic: TopicTemplate
    let qos: QualityOfService
    let retain: Bool
    /// Between two messages; 0 for as fast as possible.
    let interval: Nanoseconds
    /// From the start to the first message.
    let delay: Nanoseconds
    let payload: Payload
    /// 0 is the control stream; others are data streams, opened at their first use.
    let stream: Int
    /// Priority of the data stream; that of the control stream is fixed.
    let priority: UInt16

    /// Where the payloads come from.
    enum Payload: Sendable {
        /// The same for all clients.
        case shared(PayloadSource.Body, headers: [PayloadHeader])
        /// Each client's own.
        case fields(TopicSpecification, headers: [PayloadHeader])

        func source(for identity: ClientIdentity) -> PayloadSource {
            switch self {
            case .shared(let body, let headers): PayloadSource(body, headers: headers)
            case .fields(let specification, let headers):
                PayloadSource(specification.body(for: identity), headers: headers)
            }
        }
    }
}

extension FlowPlan {
    /// What the command line asks for: every topic at its interval, the topics on the streams in turn. A topic that differs
    /// with each message is spread over all streams.
    static func flows(_ options: BenchOptions, topics: [TopicTemplate], body: PayloadSource.Body) -> [FlowPlan] {
        var flows: [FlowPlan] = []
        for topic in topics {
            let parts = topic.changes ? max(1, options.streams) : 1
            for part in 0..<parts {
                flows.append(
                    FlowPlan(
                        topic: topic,
                        qos: options.qos,
                        retain: options.retain,
                        interval: options.messageInterval * Nanoseconds(parts),
                        delay: options.messageInterval * Nanoseconds(part),
                        payload: .shared(body, headers: options.headers),
                        stream: options.stream(of: flows.count),
                        priority: LoadStreams.defaultPriority
                    )
                )
            }
        }
        return flows
    }

    /// What a file of topics asks for. The first message of each comes after its interval, as in emqtt_bench.
    ///
    /// Payloads that are the same for all clients are encoded here, before clients connect: a large one would block an event
    /// loop.
    static func flows(_ specifications: [TopicSpecification], _ options: BenchOptions) -> [FlowPlan] {
        specifications.map { specification in
            let headers = specification.headers(options.headers)
            return FlowPlan(
                topic: TopicTemplate(specification.name),
                qos: specification.qos,
                retain: specification.retain,
                interval: specification.interval,
                delay: specification.interval,
                payload: specification.isSameForAllClients
                    ? .shared(specification.body(for: ClientIdentity(index: 0, options: options)), headers: headers)
                    : .fields(specification, headers: headers),
                stream: specification.stream,
                priority: specifications.filter { $0.stream == specification.stream }.map(\.streamPriority).max()
                    ?? specification.streamPriority
            )
        }
    }
}
