import Logging
import NIOCore
import NIOPosix
import QUICTransport

/// A client that sends pings, and uploads, on a stream each.
final class ProbeClient: QUICConnectionDelegate {
    private let endpoint: QUICEndpoint
    private var connection: QUICConnection?
    private var established: EventLoopPromise<Void>?
    private var begun = NIODeadline.now()
    /// When the client has gone on at the preferred address.
    private var wentOn: EventLoopPromise<Double>?
    private var pings: QUICStream?
    private var times: [Double] = []
    private var wanted = 0
    private var sent = NIODeadline.now()
    private var upload: (stream: QUICStream, left: Int, begun: NIODeadline)?
    private var pinged: EventLoopPromise<[Double]>?
    private var uploaded: EventLoopPromise<Double>?

    private static let piece = ByteBuffer(repeating: 7, count: 64 * 1024)

    private init(_ endpoint: QUICEndpoint) { self.endpoint = endpoint }

    static func open(
        to address: SocketAddress,
        usesPreferredAddress: Bool,
        on loop: any EventLoop
    ) async throws -> Handle {
        let local = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let made = try await loop.flatSubmit {
            QUICEndpoint.client(localAddress: local, loop: loop, logger: Logger(label: "probe")).flatMapThrowing {
                let client = ProbeClient($0.value)
                client.established = loop.makePromise(of: Void.self)
                client.wentOn = usesPreferredAddress ? loop.makePromise(of: Double.self) : nil
                var configuration = QUICClientConfiguration(verification: .none(serverName: "localhost"))
                configuration.usesPreferredAddress = usesPreferredAddress
                client.connection = try $0.value.connect(
                    to: address,
                    configuration: configuration,
                    delegate: client
                )
                return NIOLoopBound(client, eventLoop: loop)
            }
        }.get()
        try await loop.flatSubmit { made.value.established?.futureResult ?? loop.makeSucceededVoidFuture() }.get()
        return Handle(loop: loop, client: made)
    }

    /// The client as other threads use it.
    struct Handle: Sendable {
        let loop: any EventLoop
        fileprivate let client: NIOLoopBound<ProbeClient>

        /// Takes another port, as a NAT would give it one.
        func move() async throws {
            let local = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
            try await loop.flatSubmit { [client] in client.value.endpoint.rebind(to: local, migration: .unnoticed) }
                .get()
        }

        /// - Returns: microseconds from the end of the handshake to the first address change, which is the server's.
        func goneOn() async throws -> Double {
            try await loop.flatSubmit { [client, loop] in
                client.value.wentOn?.futureResult ?? loop.makeFailedFuture(ChannelError.operationUnsupported)
            }.get()
        }

        /// - Returns: round trips, microseconds.
        func ping(_ count: Int) async throws -> [Double] {
            try await loop.flatSubmit { [client, loop] in
                let promise = loop.makePromise(of: [Double].self)
                client.value.pinged = promise
                client.value.times = []
                client.value.wanted = count
                client.value.sendPing()
                return promise.futureResult
            }.get()
        }

        /// - Returns: seconds.
        func upload(_ octets: Int) async throws -> Double {
            try await loop.flatSubmit { [client, loop] in
                let promise = loop.makePromise(of: Double.self)
                client.value.uploaded = promise
                if let stream = try? client.value.connection?.openBidirectionalStream() {
                    client.value.upload = (stream, octets, .now())
                    client.value.goOn()
                }
                return promise.futureResult
            }.get()
        }
    }

    private func sendPing() {
        sent = .now()
        pings?.write(ByteBuffer(repeating: 1, count: 32))
        endpoint.flush()
    }

    private func goOn() {
        guard let upload else { return }
        while let left = self.upload?.left, left > 0, !upload.stream.isCongested {
            upload.stream.write(Self.piece)
            self.upload?.left -= Self.piece.readableBytes
            if left <= Self.piece.readableBytes { upload.stream.finish() }
        }
    }

    func established(_ connection: QUICConnection) {
        pings = try? connection.openBidirectionalStream()
        begun = .now()
        established?.succeed()
    }

    func received(_ bytes: ByteBuffer, on stream: QUICStream, finished: Bool) {
        if stream === pings {
            times.append(Double((NIODeadline.now() - sent).nanoseconds) / 1_000)
            if times.count < wanted { sendPing() } else { pinged?.succeed(times) }
        } else if finished, let upload, upload.stream === stream {
            self.upload = nil
            uploaded?.succeed(Double((NIODeadline.now() - upload.begun).nanoseconds) / 1_000_000_000)
        }
    }

    func writable(_ stream: QUICStream) { if stream === upload?.stream { goOn() } }
    func opened(_ stream: QUICStream) {}
    func reset(_ stream: QUICStream, code: UInt64) {}
    func stopSending(_ stream: QUICStream, code: UInt64) {}
    func closedStream(_ stream: QUICStream) {}
    func remoteAddressChanged(_ connection: QUICConnection) {
        wentOn?.succeed(Double((NIODeadline.now() - begun).nanoseconds) / 1_000)
    }
    func closed(_ connection: QUICConnection, reason: QUICCloseReason) { print("closed: \(reason)") }
}

/// Sends pings back, and answers the end of an upload by its own.
final class ProbeServer: QUICConnectionDelegate {
    private var pings: Int64?

    func opened(_ stream: QUICStream) { if pings == nil { pings = stream.id } }

    func received(_ bytes: ByteBuffer, on stream: QUICStream, finished: Bool) {
        if stream.id == pings { stream.write(bytes) } else if finished { stream.finish() }
    }

    func established(_ connection: QUICConnection) {}
    func reset(_ stream: QUICStream, code: UInt64) {}
    func stopSending(_ stream: QUICStream, code: UInt64) {}
    func writable(_ stream: QUICStream) {}
    func closedStream(_ stream: QUICStream) {}
    func remoteAddressChanged(_ connection: QUICConnection) {}
    func closed(_ connection: QUICConnection, reason: QUICCloseReason) {}
}
