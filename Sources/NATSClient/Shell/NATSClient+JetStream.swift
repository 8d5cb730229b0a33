package import NIOCore

extension NATSClient {
    /// Asks JetStream. It does not fail.
    package func ask<Answer>(
        _ request: JetStreamRequest<Answer>,
        timeout: TimeAmount? = nil
    ) -> EventLoopFuture<Result<Answer, JetStreamFailure>> {
        self.request(request.publication, timeout: timeout).assumeIsolated()
            .map { request.answer(to: $0) }
            .flatMapErrorThrowing { error in .failure(.notSent(error as? SendFailure ?? .notConnected)) }
            .nonisolated()
    }

    /// Tries to append once. Without a connection it is not sent, which is no answer either.
    package func append(_ append: Append) -> EventLoopFuture<AppendAnswer> {
        request(append.publication).assumeIsolated()
            .map { Append.answer($0) }
            .flatMapErrorThrowing { error in
                guard case .tooLarge(let maximum)? = error as? SendFailure else { return .noAnswer(.disconnected) }
                let text = "a message over the server's maximum payload of \(maximum) octets"
                return .refused(JetStreamError(code: 400, errorCode: 0, text: text))
            }
            .nonisolated()
    }

    /// Appends, and tries the same append again while the server is busy or silent, until `deadline` or `stop`. Its result is the last answer, which
    /// is `sequenceIsAnother` also if an attempt without an answer was stored.
    package func append(_ append: Append, until deadline: NIODeadline) -> EventLoopFuture<AppendAnswer> {
        let promise = eventLoop.makePromise(of: AppendAnswer.self)
        attempt(append, until: deadline, promise)
        return promise.futureResult
    }

    private func attempt(_ append: Append, until deadline: NIODeadline, _ promise: EventLoopPromise<AppendAnswer>) {
        self.append(append).assumeIsolated().whenSuccess { answer in
            var random = SystemRandomNumberGenerator()
            guard !self.isStopped, let pause = answer.pause(using: &random), .now() + pause < deadline else {
                return promise.succeed(answer)
            }
            self.eventLoop.assumeIsolated().scheduleTask(in: pause) { self.attempt(append, until: deadline, promise) }
        }
    }

    /// Replays a stream, and goes on with what is appended later.
    ///
    /// - Parameter onEvent: is called on the loop.
    package func replay(
        _ consumer: OrderedConsumer,
        _ onEvent: @escaping (Replay.Event) -> Void
    ) -> Replay {
        let replay = Replay(consumer, self, onEvent)
        replay.begin()
        return replay
    }

    /// Appends two messages to a subject at once, both on the condition that there is none, and says whether exactly one was stored: whether
    /// the servers' compare-and-set can be relied upon. The subject has to be one that nothing was ever stored in.
    package func probe(_ subject: Subject, until deadline: NIODeadline) -> EventLoopFuture<ProbeResult> {
        let appends = [1, 2].map { Append(to: subject, expecting: 0, ByteBuffer(string: "probe \($0)")) }
        let attempts = appends.map { append($0, until: deadline) }
        return EventLoopFuture.whenAllSucceed(attempts, on: eventLoop).map { ProbeResult($0) }
    }
}
