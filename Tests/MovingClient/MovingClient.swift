import Glibc
import MQTTClient
import MQTTCodec
import NIOCore
import QUICTransport

/// A client over QUIC that does what the lines of its standard input ask for, and says what comes of it, each line with the seconds of
/// the monotonic clock before it:
///
///     publish NUMBER QOS TOPIC PAYLOAD          acknowledged NUMBER, once it is at an end
///     subscribe QOS FILTER                      subscribed
///     move HOST PORT active|unnoticed           moved
///
/// Besides: `connected`, `message PAYLOAD`, and `closed REASON`, after which it ends.
final class MovingClient {
    private let connection: ClientConnection

    private init(_ connection: ClientConnection) { self.connection = connection }

    /// - Parameter local: the address that its first socket has.
    static func start(
        _ identifier: String,
        to server: SocketAddress,
        from local: SocketAddress,
        sessionExpiry: UInt32,
        on loop: any EventLoop
    ) async throws -> Handle {
        try await loop.submit {
            var connect = Connect(clientIdentifier: identifier)
            connect.properties.sessionExpiryInterval = sessionExpiry
            let target = ConnectionTarget(
                addresses: [server],
                transport: .quic(serverName: "localhost", trust: .insecure),
                localAddress: local,
                ownsSocket: true
            )
            let connection = ClientConnection(
                configuration: ClientConfiguration(connect: connect),
                target: target,
                loop: ClientLoop(eventLoop: loop)
            )
            let client = MovingClient(connection)
            connection.control.delegate = client
            connection.connect()
            return Handle(loop: loop, client: NIOLoopBound(client, eventLoop: loop))
        }.get()
    }

    /// The client as other threads use it.
    struct Handle: Sendable {
        let loop: any EventLoop
        fileprivate let client: NIOLoopBound<MovingClient>

        func obey(_ line: String) {
            loop.execute { [client] in client.value.obey(line.split(separator: " ").map(String.init)) }
        }
    }

    private func obey(_ words: [String]) {
        do {
            switch (words.first, words.count) {
            case ("publish", 5):
                guard let number = UInt64(words[1]), let qos = UInt8(words[2]).flatMap(QualityOfService.init) else {
                    return Self.say("not understood")
                }
                let message = Publish(
                    topic: ByteBuffer(string: words[3]),
                    payload: ByteBuffer(string: words[4]),
                    qos: qos
                )
                try connection.control.publish(message, token: number, now: .now())
            case ("subscribe", 3):
                let qos = UInt8(words[1]).flatMap(QualityOfService.init) ?? .exactlyOnce
                let options = SubscriptionOptions(maximumQoS: qos)
                let subscription = Subscribe.Subscription(topicFilter: words[2], options: options)
                try connection.control.subscribe(Subscribe(packetIdentifier: 0, subscriptions: [subscription]))
            case ("move", 4):
                let local = try SocketAddress(ipAddress: words[1], port: Int(words[2]) ?? 0)
                connection.migrate(to: local, words[3] == "active" ? .active : .unnoticed).assumeIsolated()
                    .whenComplete { result in
                        switch result {
                        case .success: Self.say("moved")
                        case .failure(let error): Self.say("not moved: \(error)")
                        }
                    }
            default: Self.say("not understood")
            }
        } catch {
            Self.say("failed: \(error)")
        }
    }

    private static func say(_ what: String) {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let micros = time.tv_nsec / 1_000
        let fraction = String(1_000_000 + micros).dropFirst()
        // Not print: to flush its buffer is to wait for whoever reads standard input.
        let octets = Array("\(time.tv_sec).\(fraction) \(what)\n".utf8)
        if write(STDOUT_FILENO, octets, octets.count) < 0, errno == EPIPE { exit(EXIT_FAILURE) }
    }
}

extension MovingClient: ClientLinkDelegate {
    func link(_ link: ClientLink, received event: ClientEvent) {
        switch event {
        case .connected(let answer): Self.say(answer.reasonCode.isError ? "refused" : "connected")
        case .message(let message): Self.say("message \(String(buffer: message.payload))")
        case .published(let number, let code): Self.say("\(code.isError ? "refused" : "acknowledged") \(number)")
        case .abandoned(let number): Self.say("abandoned \(number)")
        case .subscribed(_, let answer):
            Self.say(answer.reasonCodes.contains(where: \.isError) ? "refused" : "subscribed")
        case .unsubscribed: break
        case .closed(let error):
            Self.say("closed \(error.map { "\($0)" } ?? "by itself")")
            exit(0)
        }
    }

    func linkBecameWritable(_ link: ClientLink) {}
}
