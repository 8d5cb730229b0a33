import Logging
import MQTTCodec
import NIOCore
import NIOPosix
import QUICTransport

/// A QUIC connection without an MQTT client: any octets on any stream, and what comes back.
actor RawQUIC {
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }
    private nonisolated let loop: any EventLoop
    private var connection: QUICConnection?
    private var streams: [Int64: QUICStream] = [:]

    private(set) var isEstablished = false
    private(set) var received: [Int64: ByteBuffer] = [:]
    private(set) var finished: Set<Int64> = []
    private(set) var resets: [Int64: UInt64] = [:]
    private(set) var stops: [Int64: UInt64] = [:]
    private(set) var closed: Set<Int64> = []
    private(set) var reason: QUICCloseReason?

    /// Octets of one packet each.
    static func octets(_ packets: Packet...) -> ByteBuffer {
        var bytes = ByteBuffer()
        for packet in packets { bytes.write(packet, version: .v5) }
        return bytes
    }

    static func connect(_ identifier: String, expiry: UInt32? = nil, keepAlive: UInt16 = 0) -> ByteBuffer {
        var connect = Connect(clientIdentifier: identifier, keepAlive: keepAlive)
        connect.properties.sessionExpiryInterval = expiry
        return octets(.connect(connect))
    }

    private init(loop: any EventLoop) { self.loop = loop }

    /// A connection whose handshake is complete.
    static func open(to broker: RunningBroker) async throws -> RawQUIC {
        let raw = RawQUIC(loop: MultiThreadedEventLoopGroup.singleton.next())
        try await raw.start(try await address(of: broker))
        try await raw.wait("handshake") { $0.isEstablished }
        return raw
    }

    private static func address(of broker: RunningBroker) async throws -> SocketAddress {
        guard let address = broker.address(.quic) else { throw Timeout(what: "a QUIC listener") }
        return address
    }

    private func start(_ address: SocketAddress) async throws {
        let local = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let endpoint = try await QUICEndpoint.client(localAddress: local, loop: loop, logger: Logger(label: "raw"))
            .get()
        let configuration = QUICClientConfiguration(verification: .none(serverName: "localhost"))
        connection = try endpoint.value.connect(to: address, configuration: configuration, delegate: self)
    }

    /// Opens a stream, the first of which is the control stream, and sends octets on it.
    @discardableResult
    func open(_ octets: ByteBuffer) throws -> Int64 {
        guard let stream = try connection?.openBidirectionalStream() else { throw QUICError.closed }
        streams[stream.id] = stream
        stream.write(octets)
        return stream.id
    }

    /// Opens a connection's control stream and waits for CONNACK.
    func openControl(_ identifier: String, expiry: UInt32? = nil) async throws {
        try open(Self.connect(identifier, expiry: expiry))
        try await wait("CONNACK") { $0.received[0] != nil }
        received[0] = nil
    }

    func send(_ octets: ByteBuffer, on stream: Int64 = 0) { streams[stream]?.write(octets) }
    func finish(_ stream: Int64 = 0) { streams[stream]?.finish() }
    func reset(_ stream: Int64 = 0, code: UInt64) { streams[stream]?.reset(code: code) }
    func stopSending(_ stream: Int64 = 0, code: UInt64) { streams[stream]?.stopSending(code: code) }
    func close(code: UInt64) { connection?.close(applicationError: code, reason: "") }

    /// The packets that have come on a stream, taken from it.
    func takePackets(_ stream: Int64) throws -> [Packet] {
        var decoder = PacketDecoder(role: .client, maximumPacketSize: 1 << 24)
        var packets: [Packet] = []
        while var bytes = received[stream], let packet = try decoder.next(from: &bytes) {
            received[stream] = bytes
            packets.append(packet)
        }
        return packets
    }

    /// Waits for a packet and takes it with those before it.
    func expect(_ packet: Packet, on stream: Int64) async throws {
        for _ in 0..<Self.attempts {
            if try takePackets(stream).contains(packet) { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Timeout(what: "\(packet)")
    }

    /// Opens a stream as soon as the broker allows one more.
    func openWhenAllowed(_ octets: ByteBuffer) async throws -> Int64 {
        for _ in 0..<Self.attempts {
            if let stream = try? open(octets) { return stream }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Timeout(what: "another stream")
    }

    /// Nothing has come on any stream.
    var isUntouched: Bool { received.isEmpty && finished.isEmpty && resets.isEmpty && stops.isEmpty }

    func wait(_ what: String, _ condition: @Sendable (isolated RawQUIC) throws -> Bool) async throws {
        for _ in 0..<Self.attempts {
            if try condition(self) { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw Timeout(what: what)
    }

    /// Of five milliseconds each: two minutes, since a busy machine may be slow.
    private static let attempts = 24_000

    struct Timeout: Error { let what: String }
}

extension RawQUIC: QUICConnectionDelegate {
    nonisolated func established(_ connection: QUICConnection) { assumeIsolated { $0.isEstablished = true } }
    nonisolated func opened(_ stream: QUICStream) {}

    nonisolated func received(_ bytes: ByteBuffer, on stream: QUICStream, finished: Bool) {
        let id = stream.id
        assumeIsolated { raw in
            if bytes.readableBytes > 0 { raw.received[id, default: ByteBuffer()].writeImmutableBuffer(bytes) }
            if finished { raw.finished.insert(id) }
        }
    }

    nonisolated func reset(_ stream: QUICStream, code: UInt64) {
        let id = stream.id
        assumeIsolated { $0.resets[id] = code }
    }

    nonisolated func stopSending(_ stream: QUICStream, code: UInt64) {
        let id = stream.id
        assumeIsolated { $0.stops[id] = code }
    }

    nonisolated func writable(_ stream: QUICStream) {}

    nonisolated func closedStream(_ stream: QUICStream) {
        let id = stream.id
        _ = assumeIsolated { $0.closed.insert(id) }
    }

    nonisolated func remoteAddressChanged(_ connection: QUICConnection) {}

    nonisolated func closed(_ connection: QUICConnection, reason: QUICCloseReason) {
        assumeIsolated { raw in
            raw.reason = reason
            raw.connection = nil
            raw.streams = [:]
        }
    }
}
