import NATSClient
package import NIOCore

extension NodeQuestions {
    /// What JetStream says of the cluster's streams.
    package struct StreamAnswers: Sendable {
        package var streams: [StreamStatus] = []
        /// What JetStream did not say, in sentences.
        package var complaints: [String] = []

        package init() {}
    }

    /// Asks JetStream how the cluster's streams are. It does not fail, and ends within `patience`.
    package func askStreams(within patience: TimeAmount) -> EventLoopFuture<StreamAnswers> {
        let names = cluster.streams
        let answers = names.map { client.ask(.info(of: $0), timeout: patience) }
        return EventLoopFuture.whenAllSucceed(answers, on: eventLoop).map { StreamAnswers(zip(names, $0)) }
    }
}

extension NodeQuestions.StreamAnswers {
    init(_ answers: some Sequence<(String, Result<StreamInfo, JetStreamFailure>)>) {
        var silent: [(reason: String, streams: [String])] = []
        for (name, answer) in answers {
            switch answer {
            case .success(let info): streams.append(StreamStatus(info))
            case .failure(let failure):
                let reason = failure.words
                if let place = silent.firstIndex(where: { $0.reason == reason }) {
                    silent[place].streams.append(name)
                } else {
                    silent.append((reason, [name]))
                }
            }
        }
        complaints = silent.map { reason, streams in
            "JetStream does not say how \(streams.joined(separator: ", ")) \(streams.count > 1 ? "are" : "is"): \(reason)"
        }
    }
}

extension JetStreamFailure {
    /// The reason as part of a sentence.
    fileprivate var words: String {
        switch self {
        case .noAnswer(.noResponders), .noAnswer(.unavailable): "there is no leader just now"
        case .noAnswer(.timedOut): "no answer came in time"
        case .noAnswer(.disconnected), .notSent: "the connection to NATS ended"
        case .refused(let error): "\(error)"
        case .malformed: "its answer cannot be read"
        }
    }
}
