import MQTTBroker
import MQTTCodec
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import BrokerServer

/// What a loop does with its transports, without sockets.
@Suite(.timeLimit(.minutes(10))) struct ShardRunnerTests {
    /// Notes what it is told.
    private final class Transport: ConnectionTransport {
        var written = 0
        var isReadingPaused = false

        func write(_ output: Output) { written += output.count }
        func close(_ reason: ReasonCode?) {}
        func setReadingPaused(_ isPaused: Bool) { isReadingPaused = isPaused }
    }

    @Test(
        "Whoever is not read from while a loop is too far behind is read from again, also without having sent anything"
    )
    func stalled() async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let (here, there) = (loops.next(), loops.next())
        let runners = try await [here, there].enumerated().asyncMap { index, loop in
            try await loop.submit {
                let shard = Shard(index: index, count: 2, random: SystemRandomNumberGenerator())
                return NIOLoopBound(ShardRunner(shard: shard, eventLoop: loop), eventLoop: loop)
            }.get()
        }
        let group = ShardGroup(runners, loops: [here, there])
        for (runner, loop) in zip(runners, [here, there]) { try await loop.submit { runner.value.join(group) }.get() }

        // A subscriber there, two here of which one only listens, and a publisher here.
        _ = try await open("far", on: there, runners[1], filter: "far")
        let (listener, _) = try await open("listener", on: here, runners[0], filter: "near")
        let (publisher, connection) = try await open("publisher", on: here, runners[0], filter: nil)

        // The other loop stands still while more comes for it than may wait.
        let gate = ConditionLock(value: 0)
        there.execute {
            gate.lock(whenValue: 1); gate.unlock()
        }
        let payload = ByteBuffer(repeating: 0x61, count: 1_000_000)
        let states = try await here.submit {
            var octets = ByteBuffer()
            octets.write(publish("near", ByteBuffer(string: "x"), identifier: 1000), version: .v5)
            for identifier in 1...UInt16(Mailbox.highWaterMark / payload.readableBytes + 2) {
                octets.write(publish("far", payload, identifier: identifier), version: .v5)
            }
            runners[0].value.receive(octets, on: connection.value)
        }.flatMap { here.submit { (publisher.value.isReadingPaused, listener.value.isReadingPaused) } }.get()
        #expect(states == (true, true))

        gate.lock()
        gate.unlock(withValue: 1)
        while try await here.submit({ publisher.value.isReadingPaused || listener.value.isReadingPaused }).get() {
            try await Task.sleep(for: .milliseconds(5))
        }
        for (runner, loop) in zip(runners, [here, there]) { try await loop.submit { runner.value.dissolve() }.get() }
        try await loops.shutdownGracefully()
    }

    @Test("A loop whose shard has something for others when these are gone comes to rest")
    func dissolved() async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = loops.next()
        let runner = try await loop.submit {
            let shard = Shard(index: 0, count: 2, random: SystemRandomNumberGenerator())
            let runner = ShardRunner(shard: shard, eventLoop: loop)
            runner.dissolve()
            return NIOLoopBound(runner, eventLoop: loop)
        }.get()
        // Each subscription is announced to the other shard.
        for name in ["one", "two", "three"] {
            try await loop.submit {
                let connection = runner.value.accept(Transport(), from: Peer(address: nil, listener: "test"))
                var octets = ByteBuffer()
                octets.write(.connect(Connect(version: .v5, clientIdentifier: name)), version: .v5)
                let subscribe = Subscribe(packetIdentifier: 1, subscriptions: [.init(topicFilter: name)])
                octets.write(.subscribe(subscribe), version: .v5)
                runner.value.receive(octets, on: connection)
            }.get()
        }
        // What the burst above left is carried out in the tick behind it, and leaves nothing.
        for _ in 0..<10 { try await loop.submit {}.get() }
        try #require(try await loop.submit { !runner.value.shard.hasEffects }.get())
        try await loops.shutdownGracefully()
    }

    private func open(
        _ identifier: String,
        on loop: any EventLoop,
        _ runner: NIOLoopBound<ShardRunner>,
        filter: String?
    ) async throws -> (NIOLoopBound<Transport>, NIOLoopBound<Connection>) {
        let opened = try await loop.submit {
            let transport = Transport()
            let connection = runner.value.accept(transport, from: Peer(address: nil, listener: "test"))
            var octets = ByteBuffer()
            octets.write(.connect(Connect(version: .v5, clientIdentifier: identifier)), version: .v5)
            if let filter {
                let subscribe = Subscribe(packetIdentifier: 1, subscriptions: [.init(topicFilter: filter)])
                octets.write(.subscribe(subscribe), version: .v5)
            }
            runner.value.receive(octets, on: connection)
            return (NIOLoopBound(transport, eventLoop: loop), NIOLoopBound(connection, eventLoop: loop))
        }.get()
        // CONNACK, and SUBACK if there is one.
        let least = filter == nil ? 5 : 10
        while try await loop.submit({ opened.0.value.written < least }).get() {
            try await Task.sleep(for: .milliseconds(1))
        }
        return opened
    }
}

private func publish(_ topic: String, _ payload: ByteBuffer, identifier: UInt16) -> Packet {
    .publish(
        Publish(
            topic: ByteBuffer(string: topic),
            payload: payload,
            qos: .atLeastOnce,
            packetIdentifier: identifier
        )
    )
}

extension Sequence {
    fileprivate func asyncMap<Mapped>(_ transform: (Element) async throws -> Mapped) async throws -> [Mapped] {
        var mapped: [Mapped] = []
        for element in self { mapped.append(try await transform(element)) }
        return mapped
    }
}
