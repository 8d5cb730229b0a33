/// `listeners.ssl.NAME`: MQTT over TLS 1.3 over TCP.
package struct TLSListenerConfiguration: ConfigurationSection, ListenerConfiguration {
    /// Default true.
    package var isEnabled = true
    /// Default `127.0.0.1:8883`: nobody asked for more.
    package var bind = BindAddress(host: "127.0.0.1", port: 8883)
    /// Connections at a time; nil for no limit, the default.
    package var maximumConnections: Int?
    /// How fast new connections are taken; nil for no limit, the default.
    package var connectionRate: EventRate?
    /// New connections that may come at once under the rate; nil for the rate's number. 1 to 1,000,000.
    package var connectionBurst: Int?
    /// `ssl_options`.
    package var tls = TLSOptionsConfiguration()

    package init() {}

    package static var fields: [Field<Self>] {
        commonFields + [.section("ssl_options", \.tls)] + socketFields
    }
}

/// `listeners.ssl.NAME.ssl_options`.
package struct TLSOptionsConfiguration: ConfigurationSection {
    private var certificateFile: String?
    private var keyFile: String?
    /// What the two files come to.
    package private(set) var certificate = CertificateSource.generated
    /// What the private key is encrypted with. Default: not set.
    package var password: String?
    private var authorityFile: String?
    private var verify = ClientVerification.none
    /// Whether a client needs a certificate where certificates are verified. Default false.
    package var needsClientCertificate = false

    /// Authorities that clients' certificates must come from, where they are verified.
    package var clientAuthorityFile: String? { verify == .peer ? authorityFile : nil }

    package init() {}

    package static var fields: [Field<Self>] {
        [
            .value(
                "certfile",
                \.certificateFile,
                .path,
                "The certificate and the chain above it, PEM. A pair is generated when neither file is set."
            ),
            .value("keyfile", \.keyFile, .path, "The private key of the certificate, PEM."),
            .value(
                "password",
                \.password,
                ValueForm<String>.string.optional,
                isSecret: true,
                "What the private key is encrypted with, if it is."
            ),
            .value("cacertfile", \.authorityFile, .path, "The authorities of clients' certificates, PEM."),
            .value(
                "verify",
                \.verify,
                .choice,
                "Whether clients are asked for a certificate; verify_peer needs cacertfile."
            ),
            .value(
                "fail_if_no_peer_cert",
                \.needsClientCertificate,
                .boolean,
                "With verify_peer: whether a client without a certificate is refused."
            ),
            .meaningless("versions", because: "TLS 1.3 alone is spoken"),
            .meaningless("ciphers", because: "the three of TLS 1.3 are offered"),
            .meaningless("hibernate_after", because: "connections do not hibernate"),
            .meaningless("secure_renegotiate", because: "TLS 1.3 has no renegotiation"),
            .meaningless(
                "reuse_sessions",
                because: "sessions are always resumed, with the client's certificate as long as that is valid"
            ),
            .meaningless("honor_cipher_order", because: "the ciphers of TLS 1.3 are alike in strength"),
            .meaningless(
                "handshake_timeout",
                because: "mqtt.idle_timeout bounds the time to CONNECT, handshake and all"
            ),
        ]
    }

    package mutating func settle(at path: [String], in reading: inout SchemaReading) {
        switch (certificateFile, keyFile) {
        case (nil, nil): certificate = .generated
        case (let chain?, let key?): certificate = CertificateSource(chain: chain, key: key)
        case (let chain, _):
            let (given, missing) = chain == nil ? ("keyfile", "certfile") : ("certfile", "keyfile")
            reading.add(
                ConfigurationProblem(
                    origin: reading.origin(at: path + [given]) ?? .builtIn,
                    key: HOCONText.path(path + [given]),
                    message: "there is a \(given) without its \(missing)",
                    allowed: "both, or neither for a generated pair"
                )
            )
        }
        if verify == .peer, authorityFile == nil {
            reading.add(
                ConfigurationProblem(
                    origin: reading.origin(at: path + ["verify"]) ?? .builtIn,
                    key: HOCONText.path(path + ["verify"]),
                    message: "no authority is named that clients' certificates must come from",
                    allowed: "verify_none, or verify_peer with cacertfile"
                )
            )
        }
    }
}
