import BrokerCluster
import Foundation
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import ServiceLifecycle
import ServiceLifecycleTestKit

@testable import BrokerAdmin

/// A broker that says how often it was asked.
final class TestSource: ControlSource {
    private let asked = NIOLockedValueBox(0)
    private let pause: Duration

    init(pause: Duration = .zero) { self.pause = pause }

    var count: Int { asked.withLockedValue { $0 } }

    func clusterStatus() async -> ClusterStatus {
        asked.withLockedValue { $0 += 1 }
        try? await Task.sleep(for: pause)
        var status = ClusterStatus()
        status.cluster = "test"
        return status
    }

    func nodeStatus() async -> NodeStatus { NodeStatus(name: "test", version: "1", state: .alone) }
}

/// A configuration with one key, which may have any value but the names of refusals.
struct TestConfiguration: ConfigurationSource {
    static func key(value: String) -> RuntimeKey {
        RuntimeKey(key: "a", value: value, source: .runtime, place: "here", record: .init(value: value, revision: 4))
    }

    func runtimeKeys() async -> RuntimeKeys { RuntimeKeys(keys: [Self.key(value: "1")]) }

    func change(_ change: RuntimeKeyChange) async -> Result<RuntimeKey, RuntimeKeyRefusal> {
        if let code = RuntimeKeyRefusal.Code(rawValue: change.value ?? "") {
            return .failure(RuntimeKeyRefusal(code, "\"quoted\"\n\(code.rawValue)"))
        }
        return .success(Self.key(value: change.value ?? ""))
    }
}

/// A control socket in this process.
struct RunningControl: Sendable {
    let path: String
    let source: TestSource

    /// Opens the socket in a new folder, lets `body` use it, and shuts it down.
    static func run(
        limits: ControlLimits = ControlLimits(),
        source: TestSource = TestSource(),
        logger: Logger = Logger(label: "test"),
        prepare: (String) throws -> Void = { _ in },
        _ body: @escaping @Sendable (RunningControl) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("control-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = ControlPath.socket(in: folder)
        try prepare(path)
        let (opened, announce) = AsyncStream.makeStream(of: Void.self)
        let server = ControlServer(
            path: path,
            source: source,
            configuration: TestConfiguration(),
            limits: limits,
            logger: logger
        ) { announce.yield() }
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { announce.finish() }
                    try await server.run()
                }
                var iterator = opened.makeAsyncIterator()
                if await iterator.next() != nil {
                    do {
                        try await body(RunningControl(path: path, source: source))
                    } catch {
                        trigger.triggerGracefulShutdown()
                        throw error
                    }
                }
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
    }

    var client: ControlClient { ControlClient(path: path) }

    /// Sends octets as they are, and returns all that comes until the connection ends.
    ///
    /// - Parameter drip: octets that are sent one by one afterwards, until the connection ends.
    func raw(_ text: String, drip: String = "") async throws -> String {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let collector = try await loop.submit { NIOLoopBound(Collector(loop.makePromise()), eventLoop: loop) }.get()
        let channel = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(collector.value)
                }
            }
            .connect(unixDomainSocketPath: path).get()
        try? await channel.writeAndFlush(ByteBuffer(string: text)).get()
        for octet in drip.utf8 where channel.isActive {
            try? await channel.writeAndFlush(ByteBuffer(integer: octet)).get()
            try await Task.sleep(for: .milliseconds(20))
        }
        return try await loop.flatSubmit { collector.value.ended.futureResult }.get()
    }
}

private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    let ended: EventLoopPromise<String>
    private var text = ""

    init(_ ended: EventLoopPromise<String>) { self.ended = ended }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { text += String(buffer: unwrapInboundIn(data)) }

    func channelInactive(context: ChannelHandlerContext) { ended.succeed(text) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
