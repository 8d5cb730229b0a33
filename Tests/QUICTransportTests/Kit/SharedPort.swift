import Logging
import NIOCore
import NIOPosix

@testable import QUICTransport

/// Servers that share a port, each on a loop of its own, which send back what they get.
struct SharedPort: Sendable {
    private let group: MultiThreadedEventLoopGroup
    let endpoints: [NIOLoopBound<QUICEndpoint>]
    let address: SocketAddress

    /// Runs a test against one, and takes it down.
    static func run(
        _ count: Int,
        isolation: isolated (any Actor)? = #isolation,
        configure: (inout QUICServerConfiguration) -> Void = { _ in },
        _ body: (SharedPort) async throws -> Void
    ) async throws {
        var configuration = try Scene.serverConfiguration()
        configure(&configuration)
        let port = try await SharedPort(count, configuration)
        do {
            try await body(port)
        } catch {
            try? await port.close()
            throw error
        }
        try await port.close()
    }

    private init(
        _ count: Int,
        _ configuration: QUICServerConfiguration,
        isolation: isolated (any Actor)? = #isolation
    ) async throws {
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        let members = QUICEndpointGroup(count: count)
        var endpoints: [NIOLoopBound<QUICEndpoint>] = []
        var address = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        for (worker, loop) in self.group.makeIterator().enumerated() {
            let target = address
            let (endpoint, bound) = try await loop.flatSubmit {
                QUICEndpoint.listen(
                    on: target,
                    configuration: configuration,
                    loop: loop,
                    group: members,
                    worker: worker,
                    logger: Logger(label: "test")
                ) { _ in
                    let recorder = Recorder(echoes: true)
                    recorder.discards = true
                    return recorder
                }.map { ($0, $0.value.localAddress) }
            }.get()
            endpoints.append(endpoint)
            address = bound
        }
        self.endpoints = endpoints
        self.address = address
    }

    private func close(isolation: isolated (any Actor)? = #isolation) async throws {
        for endpoint in self.endpoints {
            try await endpoint.eventLoop.flatSubmit { endpoint.value.close() }.get()
        }
        let group = self.group
        Task.detached { try await group.shutdownGracefully() }
    }

    /// Asks an endpoint on its loop.
    func ask<Answer: Sendable>(
        _ worker: Int,
        isolation: isolated (any Actor)? = #isolation,
        _ body: @escaping @Sendable (QUICEndpoint) throws -> Answer
    ) async throws -> Answer {
        let endpoint = self.endpoints[worker]
        return try await endpoint.eventLoop.submit { try body(endpoint.value) }.get()
    }

    /// Asks all of them, by worker.
    func askAll<Answer: Sendable>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: @escaping @Sendable (QUICEndpoint) throws -> Answer
    ) async throws -> [Answer] {
        var answers: [Answer] = []
        for worker in self.endpoints.indices { answers.append(try await self.ask(worker, body)) }
        return answers
    }

    func counters(isolation: isolated (any Actor)? = #isolation) async throws -> [QUICCounters] {
        try await self.askAll { $0.counters }
    }

    /// Identifiers that a worker makes and that no connection has.
    func identifiers(
        _ count: Int,
        of worker: Int,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> [QUICConnectionID] {
        try await self.ask(worker) { endpoint in (0..<count).map { _ in endpoint.context.identifiers.make() } }
    }
}

extension ByteBuffer {
    /// What looks like a packet with a short header.
    static func shortPacket(to identifier: QUICConnectionID, count: Int = 100) -> ByteBuffer {
        var packet = ByteBuffer(bytes: [0x40] + identifier.octets)
        packet.writeRepeatingByte(0x55, count: max(0, count - packet.readableBytes))
        return packet
    }

    /// What looks like a Handshake packet of version 1.
    static func handshakePacket(to identifier: QUICConnectionID) -> ByteBuffer {
        var packet = ByteBuffer(
            bytes: [0xe0, 0, 0, 0, 1, UInt8(identifier.count)] + identifier.octets + [4, 1, 2, 3, 4]
        )
        packet.writeRepeatingByte(0x55, count: 200)
        return packet
    }
}
