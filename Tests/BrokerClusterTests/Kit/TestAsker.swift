import NATSClient
import NIOCore
import NIOPosix
import Testing

@testable import BrokerCluster

/// How long is a text?
struct LengthQuestion: NodeQuestion {
    struct Answer: Codable, Equatable {
        let length: Int
        var padding = ""
    }

    static let kind = "length"

    let text: String
}

/// The questions of a node of a test's cluster, from outside its loop.
struct TestAsker: Sendable {
    private let loop: any EventLoop
    private let bound: NIOLoopBound<NodeQuestions>

    /// - Parameter body: how the node answers; `nil` for a node that does not know the question.
    init(
        _ ports: [Int],
        _ own: Member,
        limits: QuestionLimits = QuestionLimits(),
        answering body: (@Sendable (LengthQuestion) async -> LengthQuestion.Answer?)? = nil
    ) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let nats = ClientConfiguration(
            servers: ports.map { ServerAddress(host: "127.0.0.1", port: $0) },
            connection: ConnectionConfiguration(name: "questions \(own.node)")
        )
        let cluster = try #require(ClusterName("test"))
        self.loop = loop
        bound = try await loop.submit {
            let questions = try NodeQuestions(cluster, limits: limits, nats: nats, on: loop)
            if let body { questions.answer(LengthQuestion.self, by: body) }
            questions.begin(as: own)
            questions.start()
            return NIOLoopBound(questions, eventLoop: loop)
        }.get()
    }

    func waitUntilReady() async throws {
        let bound = bound
        try await waitUntil("a connection to NATS") { try await loop.submit { bound.value.nats.server != nil }.get() }
    }

    func ask(
        _ text: String,
        of nodes: [Int],
        within patience: TimeAmount = .seconds(20)
    ) async throws -> NodeQuestions.Answers<LengthQuestion.Answer> {
        let bound = bound
        return try await loop.flatSubmit { bound.value.ask(LengthQuestion(text: text), of: nodes, within: patience) }
            .get()
    }

    func end() async throws {
        let bound = bound
        try await loop.submit { bound.value.end() }.get()
    }

    func stop() async throws {
        let bound = bound
        try await loop.flatSubmit { bound.value.stop() }.get()
    }
}
