import Glibc
import Logging
import NIOCore
import NIOEmbedded

@testable import QUICTransport

/// A client that moves, and a server, with a link between them, in virtual time: nothing here depends on the machine.
///
/// Both sides send messages on one stream, and acknowledge those that they receive.
final class Journey {
    enum Way: CaseIterable {
        /// A NAT gives the client another port, and the client does not notice.
        case rebound
        /// A NAT gives the client the same two ports by turns.
        case alternating
        /// A NAT gives the client one of a few ports, any but the last.
        case wandering
        /// The client continues from another local port (RFC 9000 §9.2).
        case active
    }

    /// What one side sends.
    final class Traffic {
        fileprivate var sent: [NIODeadline] = []
        fileprivate var arrivals: [NIODeadline] = []
        fileprivate var unread = ByteBuffer()
        /// From the sending of each message to its acknowledgement, milliseconds.
        fileprivate(set) var roundTrips: [Double] = []

        var count: Int { self.sent.count }
        var deliveredCount: Int { self.arrivals.count }
    }

    private enum Kind: UInt8 {
        case message, acknowledgement
    }

    private static let messageSize = 100
    private static let fewPorts: ClosedRange<UInt16> = 10_000...10_005
    private static let microsecond: Int64 = 1_000

    let up = Traffic()
    let down = Traffic()
    let server: QUICEndpoint
    private let client: QUICEndpoint
    private let loop = EmbeddedEventLoop()
    private let recorder = Recorder()
    private let peerRecorder = Recorder()
    private var connection: QUICConnection?
    private let delay: TimeAmount
    private var random: any RandomNumberGenerator
    private var moves: [NIODeadline] = []
    private let serverAddress: DatagramAddress
    /// Where the server sees the client, and where it saw the client before.
    private var outside: DatagramAddress
    private var before: DatagramAddress
    private var lastPort: UInt16
    /// When the last datagram to an endpoint is due.
    private var lastDue: [ObjectIdentifier: NIODeadline] = [:]

    /// Connects the client.
    ///
    /// - Parameters:
    ///   - delay: of the link, each way; up to a millisecond more for each datagram, without reordering.
    ///   - random: draws what is added to times.
    init(delay: TimeAmount, random: any RandomNumberGenerator) throws {
        self.delay = delay
        self.random = random
        let loop = self.loop
        loop.advanceTime(to: .uptimeNanoseconds(1_000_000_000_000))
        let home = try SocketAddress(ipAddress: "192.0.2.1", port: 14_567)
        let away = try SocketAddress(ipAddress: "198.51.100.1", port: 10_000)
        guard let serverAddress = DatagramAddress(home), let outside = DatagramAddress(away) else {
            throw SceneError.timeout("addresses")
        }
        self.serverAddress = serverAddress
        self.outside = outside
        self.before = outside
        self.lastPort = outside.port
        var configuration = try Scene.serverConfiguration()
        configuration.common.foldDelay = nil
        let peerRecorder = self.peerRecorder
        self.server = try QUICEndpoint.server(
            configuration,
            protection: .tls(TLSServerContext(configuration)),
            wishedAddress: home,
            socketWishes: DatagramSocket.Wishes(),
            loop: loop,
            logger: Logger(label: "test")
        ) { _ in peerRecorder }
        self.client = QUICEndpoint(
            acceptor: nil,
            context: EngineContext(
                identifiers: RandomConnectionIDGenerator(),
                keys: KeyRing(secret: RandomBytes.make(32))
            ),
            courier: Courier(group: QUICEndpointGroup(count: 1), worker: 0),
            wishedAddress: away,
            socketWishes: DatagramSocket.Wishes(),
            loop: loop,
            logger: Logger(label: "test")
        )
        self.server.canonicalAddress = serverAddress
        self.client.canonicalAddress = outside
        try self.lay()
        self.connection = try self.client.connect(
            to: home,
            configuration: QUICClientConfiguration(verification: .none(serverName: "localhost")),
            delegate: self.recorder
        )
        loop.advanceTime(by: .seconds(1))
        guard self.recorder.isEstablished else { throw SceneError.timeout("established") }
    }

    // MARK: The link

    /// Joins the endpoints, whose sockets are never used.
    private func lay() throws {
        for endpoint in [self.server, self.client] {
            let socket = try DatagramSocket.open(
                on: SocketAddress(ipAddress: "127.0.0.1", port: 0),
                wishes: DatagramSocket.Wishes()
            )
            endpoint.socket = EndpointSocket(socket: socket, channel: nil, wishes: DatagramSocket.Wishes())
            Glibc.close(socket.descriptor)
        }
        self.client.wire = { [weak self] datagram, _ in
            guard let self else { return }
            let source = self.outside
            self.deliver(datagram, to: self.server, from: source) { true }
        }
        self.server.wire = { [weak self] datagram, destination in
            guard let self else { return }
            // Neither a NAT nor a host takes what is sent to an address that the client has left.
            self.deliver(datagram, to: self.client, from: self.serverAddress) { destination == self.outside }
        }
        for (recorder, incoming, outgoing) in [
            (self.recorder, self.down, self.up), (self.peerRecorder, self.up, self.down),
        ] {
            recorder.discards = true
            recorder.onReceived = { [weak self] bytes, stream in
                self?.read(bytes, of: incoming, acknowledging: outgoing, on: stream)
            }
        }
    }

    private func deliver(
        _ datagram: [UInt8],
        to endpoint: QUICEndpoint,
        from source: DatagramAddress,
        where isThere: @escaping () -> Bool
    ) {
        let last = self.lastDue[ObjectIdentifier(endpoint)] ?? .uptimeNanoseconds(0)
        let due = max(last, self.loop.now + self.delay + self.draw(upTo: 1_000))
        self.lastDue[ObjectIdentifier(endpoint)] = due
        self.loop.scheduleTask(deadline: due) {
            guard isThere() else { return }
            unsafe datagram.withUnsafeBytes { bytes in
                unsafe endpoint.receive(
                    bytes,
                    from: source,
                    to: endpoint.canonicalAddress,
                    ecn: 0,
                    now: endpoint.now
                )
            }
            endpoint.finishBurst()
        }
    }

    private func draw(upTo microseconds: Int64) -> TimeAmount {
        .nanoseconds(Int64.random(in: 0...microseconds * Self.microsecond, using: &self.random))
    }

    // MARK: Messages

    private func read(
        _ bytes: ByteBuffer,
        of incoming: Traffic,
        acknowledging outgoing: Traffic,
        on stream: QUICStream
    ) {
        incoming.unread.writeImmutableBuffer(bytes)
        while var message = incoming.unread.readSlice(length: Self.messageSize) {
            guard let kind = message.readInteger(as: UInt8.self).flatMap(Kind.init),
                let number = message.readInteger(as: Int.self)
            else { continue }
            switch kind {
            case .message:
                incoming.arrivals.append(self.loop.now)
                self.write(.acknowledgement, number, on: stream)
            case .acknowledgement:
                outgoing.roundTrips.append(Self.milliseconds(self.loop.now - outgoing.sent[number]))
            }
        }
    }

    private func write(_ kind: Kind, _ number: Int, on stream: QUICStream) {
        var bytes = ByteBuffer()
        bytes.writeInteger(kind.rawValue)
        bytes.writeInteger(number)
        bytes.writeRepeatingByte(0, count: Self.messageSize - bytes.readableBytes)
        stream.write(bytes)
    }

    private func say(_ traffic: Traffic, on stream: QUICStream) {
        self.write(.message, traffic.count, on: stream)
        traffic.sent.append(self.loop.now)
    }

    // MARK: Moving

    private func move(_ way: Way) {
        self.moves.append(self.loop.now)
        var next = self.before
        if way == .wandering {
            let ports = Self.fewPorts.filter { $0 != self.outside.port }
            next.port = ports.randomElement(using: &self.random) ?? next.port
        } else if way != .alternating || self.before == self.outside {
            self.lastPort += 1
            next.port = self.lastPort
        }
        self.before = self.outside
        self.outside = next
        guard way == .active else { return }
        self.client.canonicalAddress = next
        self.connection?.migrate(to: next, now: self.client.now)
    }

    /// Sends messages at an interval from both sides, give or take a quarter of it, and moves at another interval.
    func travel(_ way: Way, every interval: TimeAmount, times: Int, saying each: TimeAmount) throws {
        guard let stream = try self.connection?.openBidirectionalStream() else { return }
        var isTalking = true
        func talk() {
            guard isTalking else { return }
            self.say(self.up, on: stream)
            if let answer = self.peerRecorder.opened.first { self.say(self.down, on: answer) }
            let quarter = each.nanoseconds / 4
            self.loop.scheduleTask(in: each - .nanoseconds(quarter) + self.draw(upTo: 2 * quarter / Self.microsecond)) {
                talk()
            }
        }
        talk()
        self.loop.advanceTime(by: .seconds(1))
        for _ in 0..<times {
            self.move(way)
            self.loop.advanceTime(by: interval + self.draw(upTo: 1_000))
        }
        isTalking = false
        self.loop.advanceTime(by: .seconds(10))
    }

    /// Closes both endpoints.
    func end() {
        _ = self.client.close()
        self.loop.advanceTime(by: .seconds(60))
        _ = self.server.close()
        self.loop.advanceTime(by: .seconds(60))
    }

    /// From each move to the next message that arrives, milliseconds, without what had passed the NAT before the move.
    func gaps(_ traffic: Traffic) -> [Double] {
        self.moves.compactMap { move in
            traffic.arrivals.first { $0 > move + self.delay + .milliseconds(1) }.map { Self.milliseconds($0 - move) }
        }
    }

    private static func milliseconds(_ time: TimeAmount) -> Double { Double(time.nanoseconds) / 1_000_000 }
}
