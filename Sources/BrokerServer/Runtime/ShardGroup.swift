import MQTTBroker
import NIOCore

/// The shards of a node, as every loop may know them: it carries messages to them, each shard's in order.
final class ShardGroup: Sendable {
    private let runners: [NIOLoopBound<ShardRunner>]
    private let loops: [any EventLoop]

    init(_ runners: [NIOLoopBound<ShardRunner>], loops: [any EventLoop]) {
        self.runners = runners
        self.loops = loops
    }

    var count: Int { runners.count }

    /// The runner of the loop that this is called on.
    func runner(on loop: any EventLoop) -> ShardRunner? {
        for (index, candidate) in loops.enumerated() where candidate === loop { return runners[index].value }
        return nil
    }

    /// First every shard's messages, then every shard's answers: what an answer promises has been handed over before it.
    func deliver(_ handOver: HandOver, from source: Int) {
        for shard in loops.indices { deliver(handOver.messages[shard], to: shard, from: source) }
        for shard in loops.indices { deliver(handOver.answers[shard], to: shard, from: source) }
    }

    func authenticated(_ ticket: Authenticator.Ticket, _ verdict: Authenticator.Verdict) {
        let runner = runners[ticket.shard]
        loops[ticket.shard].execute { runner.value.authenticated(ticket, verdict) }
    }

    /// Calls `body` with each runner on its loop, and waits.
    func onEachLoop(_ body: @escaping @Sendable (ShardRunner) -> EventLoopFuture<Void>?) async throws {
        for (runner, loop) in zip(runners, loops) {
            try await loop.flatSubmit { body(runner.value) ?? loop.makeSucceededVoidFuture() }.get()
        }
    }

    private func deliver(_ messages: [ShardMessage], to shard: Int, from source: Int) {
        if messages.isEmpty { return }
        let runner = runners[shard]
        loops[shard].execute { runner.value.receive(messages, from: source) }
    }
}
