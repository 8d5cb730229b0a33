internal import Metrics
package import NATSClient
package import NIOCore

/// Questions to the other nodes of a cluster, and the answers of this one, over core NATS. All methods are called on the loop. It has a
/// connection to NATS of its own, so that long answers delay neither messages nor heartbeats.
package final class NodeQuestions {
    package let eventLoop: any EventLoop
    package let limits: QuestionLimits
    /// The connection to NATS, which the meta lane shares: both have little to say.
    package let client: NATSClient
    let cluster: ClusterName

    private var own: Member?
    private var subscription: SubscriptionIdentifier?
    private var handlers: [String: Handler] = [:]
    private var desk: AnswerDesk
    /// Rounds that are under way.
    private var asking = 0
    private var counters = QuestionCounters()
    private var reported = QuestionCounters()

    /// Answers a question's body; `nil` if it cannot.
    private typealias Handler = @Sendable (ByteBuffer) async -> ByteBuffer?

    /// What came of a question.
    package struct Answers<Answer: Sendable>: Sendable {
        /// By the number of the node.
        package var answers: [Int: Answer] = [:]
        /// The nodes without an answer, and why.
        package var silences: [Int: Silence] = [:]

        package init(silences: [Int: Silence] = [:]) { self.silences = silences }
    }

    /// - Throws: for authorities that are no PEM certificates.
    package init(
        _ cluster: ClusterName,
        limits: QuestionLimits = QuestionLimits(),
        nats: ClientConfiguration,
        on eventLoop: any EventLoop
    ) throws {
        self.cluster = cluster
        self.limits = limits
        self.eventLoop = eventLoop
        client = try NATSClient(nats, on: eventLoop)
        desk = AnswerDesk([], limits)
    }

    /// The connection to NATS.
    package var nats: NATSStatus { NATSStatus(of: client, for: "questions") }

    /// Connects to NATS.
    package func start() { client.start() }

    /// Ends the connection.
    package func stop() -> EventLoopFuture<Void> {
        end()
        return client.stop()
    }

    // MARK: Members

    /// This node is a member as this run: it is asked by its number.
    package func begin(as member: Member) {
        end()
        own = member
        subscription = client.subscribe(subject(of: member.node)) { [weak self] in self?.receive($0) }
    }

    /// This node's run is over: it is not asked any more.
    package func end() {
        if let subscription { client.unsubscribe(subscription) }
        subscription = nil
        own = nil
    }

    private func subject(of node: Int) -> Subject { Subject(trusted: "martlet.\(cluster).ask.\(node)") }

    // MARK: Answering

    /// From here on this node answers a question of other nodes. To be called before `begin`.
    ///
    /// - Parameter body: returns `nil` if the question cannot be answered.
    package func answer<Question: NodeQuestion>(
        _ type: Question.Type,
        by body: @escaping @Sendable (Question) async -> Question.Answer?
    ) {
        handlers[type.kind] = { octets in
            guard let question = try? StatusJSON.read(type, from: octets), let answer = await body(question),
                let json = try? StatusJSON.write(answer)
            else { return nil }
            return ByteBuffer(bytes: json)
        }
        desk = AnswerDesk(Set(handlers.keys), limits)
    }

    private func receive(_ publication: Publication) {
        guard let replyTo = publication.replyTo else { return }
        switch desk.begin(publication.payload) {
        case .failure(let refusal):
            counters.refused += 1
            send(AnswerMessage(refusal.verdict, from: own?.identity), to: replyTo)
        case .success(let question):
            guard let handler = handlers[question.kind] else { return desk.end() }
            // A slice pins the whole read buffer.
            let body = ByteBuffer(bytes: question.body.readableBytesView)
            eventLoop.makeFutureWithTask { await handler(body) }.assumeIsolated().whenSuccess { answer in
                self.desk.end()
                self.counters.answered += 1
                self.send(self.desk.answer(answer, from: self.own?.identity), to: replyTo)
            }
        }
    }

    private func send(_ answer: AnswerMessage, to subject: ByteBuffer) {
        try? client.publish(Publication(subject: subject, payload: answer.octets))
    }

    // MARK: Asking

    /// Asks nodes, all at the same time. It does not fail, and ends within `patience`.
    ///
    /// - Parameters:
    ///   - nodes: their numbers, without this node's own.
    ///   - patience: `QuestionLimits.longestPatience` at most.
    package func ask<Question: NodeQuestion>(
        _ question: Question,
        of nodes: [Int],
        within patience: TimeAmount
    ) -> EventLoopFuture<Answers<Question.Answer>> {
        guard asking < limits.maximumAsking, let json = try? StatusJSON.write(question) else {
            let silence: Silence = asking < limits.maximumAsking ? .failed : .tooManyQuestions
            let silences = Dictionary(nodes.map { ($0, silence) }) { first, _ in first }
            return eventLoop.makeSucceededFuture(Answers(silences: silences))
        }
        let patience = min(patience, limits.longestPatience)
        let message = QuestionMessage(
            kind: Question.kind,
            asker: own?.node,
            patience: UInt32(clamping: patience.nanoseconds / 1_000_000),
            body: ByteBuffer(bytes: json)
        ).octets
        let asked = Asked(nodes, limits, eventLoop.makePromise(of: QuestionRound.self))
        asking += 1
        counters.asked += nodes.count
        for node in nodes {
            client.request(Publication(to: subject(of: node), payload: message), timeout: patience).assumeIsolated()
                .whenComplete { asked.take($0, of: node) }
        }
        asked.finishIfComplete()
        return asked.promise.futureResult.assumeIsolated().map { round in
            self.asking -= 1
            self.counters.answersReceived += round.answers.count
            self.counters.silences += round.silences.count
            return Self.read(round)
        }.nonisolated()
    }

    private static func read<Answer: Codable & Sendable>(_ round: QuestionRound) -> Answers<Answer> {
        var answers = Answers<Answer>(silences: round.silences)
        for (node, message) in round.answers {
            if let answer = try? StatusJSON.read(Answer.self, from: message.body) {
                answers.answers[node] = answer
            } else {
                answers.silences[node] = .unreadable
            }
        }
        return answers
    }

    /// A round and who waits for its end.
    private final class Asked {
        var round: QuestionRound
        let promise: EventLoopPromise<QuestionRound>
        private var isFinished = false

        init(_ nodes: [Int], _ limits: QuestionLimits, _ promise: EventLoopPromise<QuestionRound>) {
            round = QuestionRound(nodes, limits)
            self.promise = promise
        }

        func take(_ reply: Result<Reply, any Error>, of node: Int) {
            switch reply {
            case .success(.answer(let publication)): round.received(publication.payload, from: node)
            case .success(.noResponders): round.silent(node, .nobodyListens)
            case .success(.timedOut): round.silent(node, .timedOut)
            case .success(.disconnected): round.silent(node, .noConnection)
            case .failure(let failure):
                round.silent(node, failure as? SendFailure == .tooManyRequests ? .tooManyQuestions : .noConnection)
            }
            finishIfComplete()
        }

        func finishIfComplete() {
            guard round.isComplete, !isFinished else { return }
            isFinished = true
            promise.succeed(round)
        }
    }

    // MARK: Metrics

    /// Adds the growth of the counters since the last call to the counters `martlet_questions_NAME_total`.
    package func reportMetrics() {
        for (name, path) in QuestionCounters.names {
            let grown = counters[keyPath: path] - reported[keyPath: path]
            if grown > 0 { Counter(label: "martlet_questions_\(name)_total").increment(by: grown) }
        }
        reported = counters
    }
}
