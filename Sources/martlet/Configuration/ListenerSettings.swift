import BrokerConfiguration

/// What listeners of every kind are told, and the options of one kind.
struct ListenerSettings<Options> {
    var isEnabled = true
    /// Default: the port of the kind on 127.0.0.1, since nobody asked for more.
    var bind: BindAddress
    /// Connections at a time; `nil` for no limit.
    var maximumConnections: Int?
    /// New connections in a time; `nil` for no limit.
    var connectionRate: EventRate?
    /// New connections at once under the rate; `nil` for the number of the rate.
    var connectionBurst: Int?
    var options: Options

    init(port: Int, options: Options) {
        self.bind = BindAddress(host: "127.0.0.1", port: port)
        self.options = options
    }

    fileprivate static var commonFields: [Field<Self>] {
        [
            .value("enable", aliases: ["enabled"], \.isEnabled, .boolean, "Whether the listener is opened.", .atStart),
            .value(
                "bind",
                \.bind,
                .bind,
                "The address and port to listen on. Without this key only this machine can reach the listener; a port alone means all interfaces.",
                .atStart
            ),
            .value(
                "max_connections",
                \.maximumConnections,
                ValueForm.integer(1...Int.max).or("infinity"),
                "Connections at a time; further ones are refused. RLIMIT_NOFILE bounds those over TCP and TLS.",
                .atStart
            ),
            .value(
                "max_conn_rate",
                \.connectionRate,
                ValueForm.rate.or("infinity"),
                "New connections in a time; further ones wait.",
                .atStart
            ),
            .value(
                "max_conn_burst",
                \.connectionBurst,
                .integer(1...1_000_000),
                "New connections at once under `max_conn_rate`; the number of the rate when not set.",
                .atStart
            ),
        ] + EMQXKeys.listener()
    }
}

extension ListenerSettings<Void> {
    /// `listeners.tcp.NAME`: MQTT over TCP.
    static var tcp: Self { ListenerSettings(port: 1883, options: ()) }

    static var section: Section<Self> { Section(commonFields + EMQXKeys.socket()) }
}

extension ListenerSettings<CertificateSettings> {
    /// `listeners.ssl.NAME`: MQTT over TLS 1.3 over TCP.
    static var tls: Self { ListenerSettings(port: 8883, options: CertificateSettings()) }

    static var section: Section<Self> {
        Section(
            commonFields + [.section("ssl_options", \.options, CertificateSettings.tlsSection)] + EMQXKeys.socket()
        )
    }
}

extension ListenerSettings<QUICListenerOptions> {
    /// `listeners.quic.NAME`: MQTT over QUIC.
    static var quic: Self { ListenerSettings(port: 14567, options: QUICListenerOptions()) }

    static var section: Section<Self> {
        let options = QUICListenerOptions.section.at(\Self.options)
        return Section(commonFields + options.fields)
    }
}
