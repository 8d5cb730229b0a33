import MQTTClient
import MQTTCodec
import NIOCore

/// The server's side of a session under test: it reads what the session wrote and answers with packets.
struct Server {
    private var decoder: PacketDecoder
    private let version: ProtocolVersion

    init(_ version: ProtocolVersion = .v5) {
        self.version = version
        decoder = PacketDecoder(role: .server, maximumPacketSize: 1 << 20)
    }

    /// Takes everything that the session has written.
    mutating func packets(from session: inout ClientSession) throws -> [Packet] {
        var packets: [Packet] = []
        var output = session.output.takeAll()
        while let packet = try decoder.next(from: &output) { packets.append(packet) }
        return packets
    }

    /// Lets the session read packets and collects what it says about them.
    func send(
        _ packets: [Packet],
        to session: inout ClientSession,
        at now: NIODeadline = .uptimeNanoseconds(0)
    ) throws -> [ClientEvent] {
        var bytes = ByteBuffer()
        for packet in packets { bytes.write(packet, version: version) }
        var events: [ClientEvent] = []
        while let event = try session.next(from: &bytes, now: now) { events.append(event) }
        return events
    }

    /// A session that has just been accepted.
    static func session(
        _ configuration: ClientConfiguration = ClientConfiguration(connect: Connect(clientIdentifier: "c")),
        answer: ConnectAcknowledgement = ConnectAcknowledgement(reasonCode: .success),
        at now: NIODeadline = .uptimeNanoseconds(0)
    ) throws -> (ClientSession, Server) {
        var session = ClientSession(configuration: configuration)
        var server = Server(configuration.connect.version)
        session.transportOpened(now: now)
        _ = try server.packets(from: &session)
        _ = try server.send([.connectAcknowledgement(answer)], to: &session, at: now)
        return (session, server)
    }

    /// The connection is lost and another one accepted.
    mutating func reconnect(
        _ session: inout ClientSession,
        sessionPresent: Bool,
        receiveMaximum: UInt16? = nil
    ) throws -> (sent: [Packet], events: [ClientEvent]) {
        session.transportClosed()
        self = Server(version)
        session.transportOpened(now: .uptimeNanoseconds(0))
        _ = try packets(from: &session)
        var answer = ConnectAcknowledgement(sessionPresent: sessionPresent, reasonCode: .success)
        answer.properties.receiveMaximum = receiveMaximum
        let events = try send([.connectAcknowledgement(answer)], to: &session)
        return (try packets(from: &session), events)
    }
}

extension NIODeadline {
    /// Seconds after the beginning of a test's own time.
    static func seconds(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .seconds(seconds) }
}

extension Publish {
    init(
        _ topic: String,
        _ payload: String = "",
        _ qos: QualityOfService,
        identifier: UInt16 = 0,
        duplicate: Bool = false
    ) {
        self.init(
            topic: ByteBuffer(string: topic),
            payload: ByteBuffer(string: payload),
            qos: qos,
            packetIdentifier: identifier,
            isDuplicate: duplicate
        )
    }
}

extension Packet {
    static func acknowledgement(
        _ kind: PublishAcknowledgement.Kind,
        _ identifier: UInt16,
        _ code: ReasonCode = .success
    ) -> Packet {
        .acknowledgement(PublishAcknowledgement(kind, identifier, reasonCode: code))
    }
}

extension ClientEvent {
    var token: UInt64? {
        switch self {
        case .published(let token, _), .abandoned(let token), .subscribed(let token, _), .unsubscribed(let token, _):
            token
        default: nil
        }
    }

    var payload: String? {
        guard case .message(let message) = self else { return nil }
        return String(buffer: message.payload)
    }

    var publishedCode: ReasonCode? {
        guard case .published(_, let code) = self else { return nil }
        return code
    }
}
