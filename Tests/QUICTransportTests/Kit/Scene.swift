import CertificateFixture
import Foundation
import Logging
import NIOCore
import NIOPosix

@testable import QUICTransport

/// A server and clients on one event loop, on which the test runs, too.
actor Scene {
    private let group: MultiThreadedEventLoopGroup
    nonisolated let loop: any EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.executor.asUnownedSerialExecutor() }
    private nonisolated let executor: any SerialExecutor

    /// Recorders of accepted connections, in order, with the connections.
    private(set) var accepted: [(connection: QUICConnection, recorder: Recorder)] = []
    /// What accepted connections do.
    var echoes = true
    var refuses = false
    var prepare: ((Recorder) -> Void)?
    private var endpoints: [QUICEndpoint] = []

    /// Every handshake of the tests happens with it set; one test looks for the file.
    private static let keyLog: Void = {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("keylog-\(UUID().uuidString)")
        setenv("SSLKEYLOGFILE", file.path, 1)
    }()

    private init() throws {
        _ = Self.keyLog
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.loop = self.group.next()
        guard let executor = self.loop as? any SerialExecutor else { throw SceneError.noExecutor }
        self.executor = executor
    }

    /// Runs a test on the loop and takes everything down behind it.
    @discardableResult
    static func run<Result: Sendable>(_ body: (isolated Scene) async throws -> Result) async throws -> Result {
        let scene = try Scene()
        do {
            let result = try await body(scene)
            try await scene.tearDown()
            return result
        } catch {
            try? await scene.tearDown()
            throw error
        }
    }

    private func tearDown() async throws {
        for endpoint in self.endpoints { try await endpoint.close().get() }
        self.endpoints = []
        self.accepted = []
        let group = self.group
        Task.detached { try await group.shutdownGracefully() }
    }

    // MARK: Making things

    /// Time for a handshake on a loaded machine.
    static let patience = Duration.seconds(120)

    static func serverConfiguration() throws -> QUICServerConfiguration {
        let pair = try CertificatePair.shared.get()
        var configuration = QUICServerConfiguration(
            certificateChain: pair.certificate,
            privateKey: pair.key,
            staticSecret: [UInt8](repeating: 7, count: 32)
        )
        // All that is tested here goes through folded connections wherever there is a moment of silence.
        configuration.common.foldDelay = .milliseconds(1)
        // A loaded machine may be slow, and is no storm of clients.
        configuration.common.handshakeTimeout = Self.patience
        configuration.pace.budget = 60_000_000_000
        configuration.pace.window = 60_000_000_000
        return configuration
    }

    func listen(
        on address: SocketAddress? = nil,
        in group: QUICEndpointGroup = QUICEndpointGroup(count: 1),
        worker: Int = 0,
        admit: @escaping () -> QUICAdmission = { .accept },
        configure: (inout QUICServerConfiguration) -> Void = { _ in }
    ) async throws -> QUICEndpoint {
        var configuration = try Self.serverConfiguration()
        configure(&configuration)
        let endpoint = try await QUICEndpoint.listen(
            on: address ?? SocketAddress(ipAddress: "127.0.0.1", port: 0),
            configuration: configuration,
            loop: self.loop,
            group: group,
            worker: worker,
            logger: Logger(label: "test"),
            admit: admit
        ) { connection in
            self.accept(connection)
        }.get().value
        self.endpoints.append(endpoint)
        return endpoint
    }

    /// Listens where somebody did before. A command that another test starts may hold the port for a moment.
    func listenAgain(
        on address: SocketAddress,
        in group: QUICEndpointGroup = QUICEndpointGroup(count: 1),
        worker: Int = 0,
        configure: (inout QUICServerConfiguration) -> Void = { _ in }
    ) async throws -> QUICEndpoint {
        for _ in 0..<12_000 {
            do {
                return try await self.listen(on: address, in: group, worker: worker, configure: configure)
            } catch QUICError.portInUse {
                try await self.pause(.milliseconds(10))
            }
        }
        throw SceneError.timeout("port")
    }

    private func accept(_ connection: QUICConnection) -> Recorder? {
        guard !self.refuses else { return nil }
        let recorder = Recorder(echoes: self.echoes)
        self.prepare?(recorder)
        self.accepted.append((connection, recorder))
        return recorder
    }

    func client(on address: SocketAddress? = nil) async throws -> QUICEndpoint {
        let endpoint = try await QUICEndpoint.client(
            localAddress: address ?? SocketAddress(ipAddress: "127.0.0.1", port: 0),
            loop: self.loop,
            logger: Logger(label: "test")
        ).get().value
        self.endpoints.append(endpoint)
        return endpoint
    }

    /// Starts a connection; the handshake goes on.
    func start(
        _ client: QUICEndpoint,
        to server: SocketAddress,
        verification: QUICClientConfiguration.Verification = .none(serverName: "localhost"),
        configure: (inout QUICClientConfiguration) -> Void = { _ in }
    ) throws -> (QUICConnection, Recorder) {
        var configuration = QUICClientConfiguration(verification: verification)
        configuration.common.foldDelay = .milliseconds(1)
        configuration.common.handshakeTimeout = Self.patience
        configure(&configuration)
        let recorder = Recorder()
        let connection = try client.connect(to: server, configuration: configuration, delegate: recorder)
        return (connection, recorder)
    }

    /// Connects, and waits until both sides know.
    func connect(
        _ client: QUICEndpoint,
        to server: SocketAddress,
        configure: (inout QUICClientConfiguration) -> Void = { _ in }
    ) async throws -> (QUICConnection, Recorder) {
        let known = self.accepted.count
        let (connection, recorder) = try self.start(client, to: server, configure: configure)
        try await self.until("established") { recorder.isEstablished && self.accepted.count > known }
        return (connection, recorder)
    }

    /// One server, one client, one connection of it.
    func pair(
        configureServer: (inout QUICServerConfiguration) -> Void = { _ in },
        configureClient: (inout QUICClientConfiguration) -> Void = { _ in }
    ) async throws -> Pair {
        let server = try await self.listen(configure: configureServer)
        let client = try await self.client()
        let (connection, recorder) = try await self.connect(client, to: server.localAddress, configure: configureClient)
        guard let peer = self.accepted.last else { throw SceneError.timeout("accept") }
        return Pair(
            server: server,
            client: client,
            connection: connection,
            recorder: recorder,
            peer: peer.connection,
            peerRecorder: peer.recorder
        )
    }

    struct Pair {
        let server: QUICEndpoint
        let client: QUICEndpoint
        let connection: QUICConnection
        let recorder: Recorder
        /// The server's side.
        let peer: QUICConnection
        let peerRecorder: Recorder
    }

    // MARK: Resuming

    /// Connects to get a ticket, and disconnects.
    func ticket(
        from server: QUICEndpoint,
        configure: (inout QUICClientConfiguration) -> Void = { _ in }
    ) async throws -> QUICSessionTicket {
        let client = try await self.client()
        let (connection, recorder) = try await self.connect(client, to: server.localAddress) {
            $0.takesTickets = true
            configure(&$0)
        }
        try await self.until("ticket") { !recorder.tickets.isEmpty }
        connection.close(applicationError: 0, reason: "")
        try await self.until("closed") { recorder.reason != nil }
        return recorder.tickets[0]
    }

    /// Resumes; the text goes out as early data if it may.
    func resume(
        _ ticket: QUICSessionTicket,
        to server: SocketAddress,
        saying text: String,
        configure: (inout QUICClientConfiguration) -> Void = { _ in }
    ) async throws -> (QUICConnection, Recorder) {
        let client = try await self.client()
        var configuration = QUICClientConfiguration(verification: .none(serverName: "localhost"))
        configuration.ticket = ticket
        configuration.common.handshakeTimeout = Self.patience
        configure(&configuration)
        let recorder = Recorder()
        recorder.onEstablished = { connection in
            guard let stream = try? connection.openBidirectionalStream() else { return }
            stream.write(ByteBuffer(string: text))
        }
        let connection = try client.connect(to: server, configuration: configuration, delegate: recorder)
        return (connection, recorder)
    }

    /// The first flight of a client that resumes with early data: what somebody on the way could keep.
    func firstFlight(
        _ ticket: QUICSessionTicket,
        saying text: String,
        configure: (inout QUICClientConfiguration) -> Void = { _ in }
    ) async throws -> [ByteBuffer] {
        let plain = try await PlainSocket.bind(on: self.loop)
        let (connection, _) = try await self.resume(ticket, to: plain.address, saying: text, configure: configure)
        try await self.until("first flight") { !plain.received.isEmpty }
        try await self.pause(.milliseconds(20))
        let flight = plain.received.map(\.data)
        connection.close(applicationError: 0, reason: "")
        try await plain.close()
        return flight
    }

    // MARK: Waiting

    /// Waits for a condition, in vain for at most some seconds: a busy machine may be slow.
    func until(_ what: String, seconds: Int = 120, _ condition: () -> Bool) async throws {
        let end = NIODeadline.now() + .seconds(Int64(seconds))
        while !condition() {
            guard NIODeadline.now() < end else { throw SceneError.timeout(what) }
            try await self.pause(.milliseconds(1))
        }
    }

    /// Lets the keep alive and idle timers of both endpoints see so many seconds pass, one after the other. Whatever one endpoint
    /// sends in a second has arrived before the next, so that a busy machine cannot make a packet late.
    func pass(seconds: Int, for first: QUICEndpoint, _ second: QUICEndpoint) async throws {
        for _ in 0..<seconds {
            for endpoint in [first, second] {
                endpoint.skew += 1_000_000_000
                endpoint.timerFired()
            }
            try await self.until("a second's packets") {
                first.counters.datagramsOut == second.counters.datagramsIn
                    && second.counters.datagramsOut == first.counters.datagramsIn
            }
        }
    }

    /// Lets the loop work for a while.
    func pause(_ time: TimeAmount) async throws {
        try await self.loop.scheduleTask(in: time) {}.futureResult.get()
    }
}

enum SceneError: Error {
    case noExecutor
    case timeout(String)
}
