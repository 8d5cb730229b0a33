import ArgumentParser
import MQTTClient
import MQTTCodec
import NIOCore
import NIOPosix
import QUICTransport
import Secrets

/// Options of a connection to a broker, which `pub` and `sub` share. The letters are those of Mosquitto's tools.
struct ConnectionOptions: ParsableArguments {
    @Option(name: [.customShort("h"), .long], parsing: .unconditional, help: "The broker's host.")
    var host = "localhost"

    @Option(
        name: [.customShort("p"), .long],
        parsing: .unconditional,
        help: "The broker's port. (default: 1883, with --tls 8883, with --quic 14567)"
    )
    var port: Int?

    @Flag(help: "MQTT over QUIC instead of TCP.")
    var quic = false

    @Flag(
        help: "Stay at the broker's address over QUIC, also if the broker has another one for its clients to go on at."
    )
    var noPreferredAddress = false

    @Flag(help: "TLS over TCP.")
    var tls = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Certificate authorities to verify the server's certificate with, in PEM. (default: the system's)",
            valueName: "file"
        )
    )
    var cafile: String?

    @Flag(help: "Accept any server certificate, without verification.")
    var insecure = false

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The client's certificate and its intermediate certificates, in PEM.", valueName: "file")
    )
    var cert: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The private key of the client's certificate, in PEM.", valueName: "file")
    )
    var key: String?

    @Option(
        name: [.customShort("V"), .customLong("protocol-version")],
        parsing: .unconditional,
        help: "The MQTT version: 5, 311 or 31, or mqttv5, mqttv311 or mqttv31."
    )
    var version = Version.v5

    @Option(
        name: [.customShort("i"), .long],
        parsing: .unconditional,
        help: "The client identifier. (default: a random one)"
    )
    var id: String?

    @Option(name: [.customShort("u"), .long], parsing: .unconditional, help: "The user name.")
    var username: String?

    @Option(name: [.customShort("P"), .customLong("pw")], parsing: .unconditional, help: "The password.")
    var password: Password?

    @Option(name: [.customShort("k"), .long], parsing: .unconditional, help: "The keep alive in seconds; 0 for none.")
    var keepalive: UInt16 = 60

    @Flag(name: [.customShort("c"), .long], help: "Resume the session that the broker has for this client identifier.")
    var disableCleanSession = false

    @Option(
        name: [.customShort("x"), .long],
        parsing: .unconditional,
        help: "Seconds until the session expires after the connection has ended (MQTT 5). (default: 0, with -c never)"
    )
    var sessionExpiryInterval: UInt32?

    @Option(
        parsing: .unconditional,
        help: "The topic of the will: the message that the broker publishes if this client is lost."
    )
    var willTopic: String?

    @Option(parsing: .unconditional, help: "The payload of the will.")
    var willPayload: String?

    @Option(parsing: .unconditional, help: "The QoS of the will.")
    var willQos = QoS.atMostOnce

    @Flag(help: "Retain the will.")
    var willRetain = false

    func validate() throws {
        if let port, !(1...65_535).contains(port) { throw ValidationError("-p: a port from 1 to 65535, not \(port)") }
        if disableCleanSession, id == nil { throw ValidationError("--disable-clean-session needs --id") }
        if willTopic == nil, willPayload != nil || willRetain || willQos != .atMostOnce {
            throw ValidationError("--will-payload, --will-qos and --will-retain need --will-topic")
        }
        if tls, quic { throw ValidationError("--tls and --quic exclude each other: QUIC includes TLS") }
        if !quic, !tls, cafile != nil || insecure {
            throw ValidationError("--cafile and --insecure need --tls or --quic")
        }
        if (cert == nil) != (key == nil) { throw ValidationError("--cert needs --key, and --key needs --cert") }
        if !quic, !tls, cert != nil { throw ValidationError("--cert and --key need --tls or --quic") }
        if noPreferredAddress, !quic { throw ValidationError("--no-preferred-address needs --quic") }
        if cafile != nil, insecure { throw ValidationError("--cafile and --insecure exclude each other") }
        if sessionExpiryInterval != nil, version != .v5 {
            throw ValidationError("--session-expiry-interval needs MQTT 5")
        }
    }

    /// The broker that the options name, for errors.
    var server: String { "\(host):\(givenOrDefaultPort)" }

    private var givenOrDefaultPort: Int { port ?? (quic ? 14_567 : tls ? 8883 : 1883) }

    /// A client with these options, not connected yet.
    ///
    /// - Parameter prefix: the beginning of a random client identifier, used without `--id`.
    /// - Throws: `ClientError` if the host cannot be resolved, `InputFile.Failure` if a file of certificates cannot be used.
    func makeClient(_ prefix: String) async throws -> MQTTClient {
        let identity = try await identity
        let transport = try await transport(showing: identity)
        let host = host
        let port = givenOrDefaultPort
        let addresses = try await NIOThreadPool.singleton.runIfActive {
            try ConnectionTarget.resolve(host: host, port: port)
        }
        return MQTTClient(
            configuration: ClientConfiguration(connect: connect(prefix)),
            target: ConnectionTarget(
                addresses: addresses,
                transport: transport,
                usesPreferredAddress: !noPreferredAddress,
                identity: identity
            ),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next()
        )
    }

    private func transport(showing identity: QUICIdentity?) async throws -> ConnectionTarget.Transport {
        if quic { return .quic(serverName: host, trust: try await trust) }
        guard tls else { return .tcp }
        return .tls(serverName: host, try TLSClientContext(trust: try await trust, identity: identity))
    }

    private var trust: ServerTrust {
        get async throws {
            if insecure { return .insecure }
            guard let cafile else { return .system }
            return .authorities(pem: try await Self.read(cafile, with: "CERTIFICATE"))
        }
    }

    private var identity: QUICIdentity? {
        get async throws {
            guard let cert, let key else { return nil }
            return QUICIdentity(
                certificateChain: try await Self.read(cert, with: "CERTIFICATE"),
                privateKey: try await Self.read(key, with: "PRIVATE KEY")
            )
        }
    }

    /// Reads a PEM file.
    ///
    /// - Parameter label: how the label of one of its blocks must end, such as `PRIVATE KEY` (RFC 7468 §3).
    /// - Throws: `InputFile.Failure`.
    private static func read(_ path: String, with label: String) async throws -> [UInt8] {
        let file = try await InputFile.contents(of: path)
        guard String(buffer: file).contains("\(label)-----") else {
            throw InputFile.Failure(description: "\(path) holds no PEM block BEGIN \(label)")
        }
        return Array(file.readableBytesView)
    }

    private func connect(_ prefix: String) -> Connect {
        // 23 octets with the prefix: the length that every server accepts [MQTT-3.1.3-5].
        let random = String(UInt64.random(in: 0..<(1 << 56)), radix: 36)
        var connect = Connect(
            version: version.protocolVersion,
            clientIdentifier: id ?? "\(prefix)-\(random)",
            cleanStart: !disableCleanSession,
            keepAlive: keepalive,
            userName: username,
            password: password.map { ByteBuffer(string: $0.text) },
            will: willTopic.map { topic in
                Connect.Will(
                    topic: ByteBuffer(string: topic),
                    payload: ByteBuffer(string: willPayload ?? ""),
                    qos: willQos.quality,
                    retain: willRetain
                )
            }
        )
        if version == .v5 {
            connect.properties.sessionExpiryInterval = sessionExpiryInterval ?? (disableCleanSession ? .max : nil)
        }
        return connect
    }

    /// The value of `--pw`, which no description shows.
    struct Password: ExpressibleByArgument, SecretValue {
        let text: String

        init(argument: String) { text = argument }

        // What the help would print as a default.
        var defaultValueDescription: String { description }
    }

    /// The words for a version of MQTT.
    enum Version: String, ExpressibleByArgument {
        case v5 = "5"
        case v311 = "311"
        case v31 = "31"

        init?(argument: String) {
            let number = argument.hasPrefix("mqttv") ? String(argument.dropFirst("mqttv".count)) : argument
            self.init(rawValue: number)
        }

        var protocolVersion: ProtocolVersion {
            switch self {
            case .v5: .v5
            case .v311: .v3_1_1
            case .v31: .v3_1
            }
        }
    }

    /// The words for a QoS.
    enum QoS: String, ExpressibleByArgument, CaseIterable {
        case atMostOnce = "0"
        case atLeastOnce = "1"
        case exactlyOnce = "2"

        var quality: QualityOfService {
            switch self {
            case .atMostOnce: .atMostOnce
            case .atLeastOnce: .atLeastOnce
            case .exactlyOnce: .exactlyOnce
            }
        }
    }
}
