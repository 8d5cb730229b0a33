import NATSClient
import NATSFixture
import NIOCore
import NIOPosix
import Testing

/// A client of a test's servers, from outside its loop.
struct TestClient: Sendable {
    private let loop: any EventLoop
    private let bound: NIOLoopBound<NATSClient>
    let log: EventLog

    init(_ ports: [Int], _ change: @Sendable (inout ClientConfiguration) -> Void = { _ in }) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        var configuration = ClientConfiguration(
            servers: ports.map { ServerAddress(host: "127.0.0.1", port: $0) },
            connection: ConnectionConfiguration(name: "test")
        )
        change(&configuration)
        let log = EventLog(loop)
        self.loop = loop
        self.log = log
        bound = try await loop.submit { [configuration] in
            let client = try NATSClient(configuration, on: loop) { event in
                switch event {
                case .ready(let info, _): log.add("ready \(info.name)")
                case .disconnected(let failure, _): log.add("disconnected: \(failure)")
                case .complained(let text): log.add("complained: \(text)")
                }
            }
            client.start()
            return NIOLoopBound(client, eventLoop: loop)
        }.get()
    }

    /// Does something on the client's loop, and waits for its result.
    func call<Result: Sendable>(
        _ body: @escaping @Sendable (NATSClient) throws -> EventLoopFuture<Result>
    ) async throws -> Result {
        let bound = bound
        return try await loop.flatSubmit {
            do { return try body(bound.value) } catch { return bound.eventLoop.makeFailedFuture(error) }
        }.get()
    }

    func now<Result: Sendable>(_ body: @escaping @Sendable (NATSClient) throws -> Result) async throws -> Result {
        let bound = bound
        return try await loop.submit { try body(bound.value) }.get()
    }

    func stop() async throws { try await call { $0.stop() } }

    /// Waits until the client's owner was told so.
    func wait(for text: String, times: Int = 1) async throws {
        try await poll("\(text), which the client does not tell") {
            try await log.lines().count { $0.contains(text) } >= times
        }
    }

    /// Asks JetStream until it answers, since servers that have just begun elect a leader first.
    func ask<Answer>(_ request: JetStreamRequest<Answer>) async throws -> Answer {
        var last = Result<Answer, JetStreamFailure>.failure(.malformed)
        try await poll("an answer of JetStream") {
            last = try await call { $0.ask(request, timeout: .seconds(5)) }
            switch last {
            case .failure(.noAnswer), .failure(.notSent): return false
            case .failure(.refused(let error)) where error.code == 503 || error.errorCode == 10_005: return false
            default: return true
            }
        }
        return try last.get()
    }

    /// Appends until it is decided.
    func append(_ append: Append) async throws -> AppendAnswer {
        try await call { $0.append(append, until: .now() + .seconds(60)) }
    }
}

/// Waits for something that comes about on its own; the time is a bound for what never does, and nothing that a test promises.
func poll(_ what: String, _ isSo: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if try await isSo() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    throw NATSCluster.Failure(description: "timed out waiting for \(what)")
}

/// What a client told its owner, on the client's loop.
final class EventLog: Sendable {
    private let lines_: NIOLoopBoundBox<[String]>

    init(_ loop: any EventLoop) { lines_ = NIOLoopBoundBox.makeBoxSendingValue([], eventLoop: loop) }

    func add(_ line: String) { lines_.value.append(line) }

    func lines() async throws -> [String] { try await lines_.eventLoop.submit { self.lines_.value }.get() }
}
