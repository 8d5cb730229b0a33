import Logging
import MQTTBroker
import NIOCore

/// The shards of a node, shared by all its loops. The group delivers hand-overs from shard to shard, in order for each pair of shards.
final class ShardGroup: Sendable {
    private let runners: [NIOLoopBound<ShardRunner>]
    private let loops: [any EventLoop]
    private let mailboxes: [Mailbox]

    /// Makes a shard for each loop, on that loop.
    convenience init(
        loops: [any EventLoop],
        log: ClientLog,
        logger: Logger? = nil,
        shard: @escaping @Sendable (_ index: Int) -> Shard
    ) async throws {
        var runners: [NIOLoopBound<ShardRunner>] = []
        for (index, loop) in loops.enumerated() {
            let runner = try await loop.submit {
                NIOLoopBound(
                    ShardRunner(shard: shard(index), eventLoop: loop, log: log, logger: logger),
                    eventLoop: loop
                )
            }.get()
            runners.append(runner)
        }
        self.init(runners, loops: loops)
        try await onEachLoop { $0.join(self) }
    }

    init(_ runners: [NIOLoopBound<ShardRunner>], loops: [any EventLoop]) {
        self.runners = runners
        self.loops = loops
        mailboxes = loops.map { _ in Mailbox() }
    }

    var count: Int { runners.count }

    /// Calls `body` with the runner of a shard on its loop.
    func with(_ shard: Int, _ body: @escaping @Sendable (ShardRunner) -> Void) {
        let runner = runners[shard]
        loops[shard].execute { body(runner.value) }
    }

    /// The runner of an event loop, which must be the calling one; `nil` for a loop without a shard.
    func runner(on loop: any EventLoop) -> ShardRunner? {
        for (index, candidate) in loops.enumerated() where candidate === loop { return runners[index].value }
        return nil
    }

    /// Delivers what a shard hands over at the end of a tick, in the order that `HandOver` has, and leaves the hand-over empty.
    ///
    /// - Parameter remote: is given what is for a shard of another node.
    /// - Returns: true if a mailbox is above its bound. The sending shard is then to stop reading from its clients until
    ///   `ShardRunner.readAgain` is called.
    func deliver(
        _ handOver: inout HandOver,
        from source: ShardReference,
        remote: (ShardReference, [ShardMessage]) -> Void
    ) -> Bool {
        var isFull = false
        handOver.deliver { destination, messages, weight in
            guard destination.node == source.node else { return remote(destination, messages) }
            let shard = destination.index
            if !mailboxes[shard].put(weight, from: source.index) { isFull = true }
            let runner = runners[shard]
            loops[shard].execute {
                runner.value.receive(messages, from: source)
                self.took(weight, at: shard)
            }
        }
        return isFull
    }

    /// Gives an answer of the authenticator to the shard of the connection that it is about.
    func authenticated(_ connection: ConnectionReference, _ verdict: Authenticator.Verdict) {
        let runner = runners[connection.shard.index]
        loops[connection.shard.index].execute { runner.value.authenticated(connection, verdict) }
    }

    /// The store tells a shard something.
    func tell(_ event: CommitStoreEvent, at shard: Int) {
        let runner = runners[shard]
        loops[shard].execute {
            switch event {
            case .committed(let number): runner.value.committed(number)
            case .suspended(let suspension): runner.value.suspended(suspension)
            }
        }
    }

    /// A shard does not need the commits below `number` any more.
    func clean(below number: Int64) {
        for (runner, loop) in zip(runners, loops) { loop.execute { runner.value.clean(below: number) } }
    }

    /// Calls `body` with the runner of a shard on its loop, and returns what comes of it.
    func flatWith<Value: Sendable>(
        _ shard: Int,
        _ body: @escaping @Sendable (ShardRunner) -> EventLoopFuture<Value>
    ) -> EventLoopFuture<Value> {
        let runner = runners[shard]
        return loops[shard].flatSubmit { body(runner.value) }
    }

    /// Calls `body` with each runner on its loop, on all loops at the same time. Returns the outcomes.
    func onEach<Value: Sendable>(
        _ body: @escaping @Sendable (ShardRunner) throws -> Value
    ) -> [EventLoopFuture<Value>] {
        zip(runners, loops).map { runner, loop in loop.submit { try body(runner.value) } }
    }

    /// Calls `body` with each runner on its loop, on all loops at the same time, and waits for the last.
    func onEachLoop(_ body: @escaping @Sendable (ShardRunner) -> Void) async throws {
        for future in onEach(body) { try await future.get() }
    }

    /// Ends all connections of all shards, and waits until they are closed.
    func shutDown() async throws {
        let futures = zip(runners, loops).map { runner, loop in loop.flatSubmit { runner.value.shutDown() } }
        for future in futures { try await future.get() }
    }

    /// Calls `body` with each runner on its loop once an interval, until the returned tasks are cancelled.
    func repeatOnEachLoop(
        every interval: TimeAmount,
        _ body: @escaping @Sendable (ShardRunner) -> Void
    ) -> [RepeatedTask] {
        zip(runners, loops).map { runner, loop in
            loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in body(runner.value) }
        }
    }

    private func took(_ weight: Int, at shard: Int) {
        for source in mailboxes[shard].take(weight) {
            let runner = runners[source]
            loops[source].execute { runner.value.readAgain() }
        }
    }
}
