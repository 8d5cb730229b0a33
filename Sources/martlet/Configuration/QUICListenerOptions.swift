import BrokerConfiguration
import MQTTBroker
import QUICTransport

/// What a QUIC listener is told beyond other listeners.
struct QUICListenerOptions {
    /// `ssl_options`.
    var certificate = CertificateSettings()
    /// What the transport is told, without certificate, secret and ticket keys.
    var transport = QUICServerConfiguration(
        certificateChain: [],
        privateKey: [],
        staticSecret: Array(repeating: 0, count: 32)
    )
    /// 0: clients may not resume, 1: they may with a round trip, 2: they may with early data.
    var resumptionLevel = 2
    /// What of early data is acted upon before the handshake is complete; `nil` for nothing.
    var earlyData: Peer.EarlyData? = .everything
    /// Time for which a ticket is good.
    var ticketLifetime = Duration.seconds(2 * 3600)
    var identifiers = Identifiers.encrypted
    /// For `Identifiers.aws`; `nil` for the environment variable `AWS_LBC_QUIC_SERVER_ID`.
    var serverID: UInt64?

    /// What connection identifiers show.
    enum Identifiers: String { case encrypted, plain, aws }

    /// Whether clients may send data before the handshake is complete.
    var takesEarlyData: Bool { resumptionLevel == 2 && earlyData != nil }

    init() {
        // Servers have many silent connections, clients have few.
        transport.common.foldDelay = .seconds(15)
    }

    static var section: Section<Self> {
        let transport = QUICKeys.all.map { $0.at(\Self.transport) }
        let identifiers = Field.section("connection_id", connectionIdentifiers)
        return Section(certificates + resumption + transport + [identifiers] + EMQXKeys.quic())
    }

    private static var certificates: [Field<Self>] {
        [
            .moved("certfile", into: "ssl_options"),
            .moved("keyfile", into: "ssl_options"),
            .moved("ciphers", into: "ssl_options"),
            .section(
                "ssl_options",
                CertificateSettings.quicSection.at(\.certificate).adding([
                    .value(
                        "ciphers",
                        \.transport.ciphers,
                        .list(of: [
                            "TLS_AES_128_GCM_SHA256": .aes128GCM, "TLS_AES_256_GCM_SHA384": .aes256GCM,
                            "TLS_CHACHA20_POLY1305_SHA256": .chacha20Poly1305,
                        ]),
                        "The cipher suites that clients may choose from, in the order of preference.",
                        .atStart
                    )
                ])
            ),
        ]
    }

    private static var resumption: [Field<Self>] {
        [
            .value(
                "server_resumption_level",
                \.resumptionLevel,
                .integer(0...2),
                "How clients may resume: 0 not at all, 1 without early data, 2 with it.",
                .atStart
            ),
            .value(
                "early_data",
                \.earlyData,
                .choice(["all": .everything, "connect": .connectOnly, "off": nil]),
                "What is acted upon before the handshake is complete: all, `connect` for CONNECT alone, or off. Nothing is "
                    + "acted upon twice, but somebody on the path may delay it. EMQX has no such key.",
                .atStart
            ),
            .value(
                "session_ticket_lifetime",
                \.ticketLifetime,
                .duration(.seconds(60)...(.seconds(86_400))),
                "Time after a handshake within which a client may resume. EMQX has no such key.",
                .atStart
            ),
        ]
    }

    /// `connection_id`.
    private static var connectionIdentifiers: Section<Self> {
        Section(
            [
                .value(
                    "mode",
                    \.identifiers,
                    .choice(["encrypted": .encrypted, "plain": .plain, "aws": .aws]),
                    "Whether connection identifiers are encrypted, or in clear for load balancers: `plain` shows the node, `aws` shows `server_id`.",
                    .atStart
                ),
                .value(
                    "server_id",
                    \.serverID,
                    .serverID,
                    "The server identifier of mode `aws`; the environment variable AWS_LBC_QUIC_SERVER_ID when not set.",
                    .atStart
                ),
            ],
            complete: completeIdentifiers
        )
    }

    private static func completeIdentifiers(_ options: inout Self, at path: [String], in reading: inout SchemaReading) {
        if options.serverID != nil, options.identifiers != .aws {
            reading.add(
                ConfigurationProblem(
                    origin: reading.origin(at: path + ["server_id"]) ?? .builtIn,
                    key: HOCONText.path(path + ["server_id"]),
                    message: "means nothing with mode = \(options.identifiers.rawValue)",
                    allowed: "mode = aws beside it"
                )
            )
        }
        if options.identifiers != .encrypted {
            reading.notices.append(
                ConfigurationProblem(
                    origin: reading.origin(at: path + ["mode"]) ?? .builtIn,
                    key: HOCONText.path(path + ["mode"]),
                    message:
                        "connection identifiers are in clear: whoever sees the packets can tell which identifiers belong to "
                        + "one client, also after the client has changed its address"
                )
            )
        }
    }
}
