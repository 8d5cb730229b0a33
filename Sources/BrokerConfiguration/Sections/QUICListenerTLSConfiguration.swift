/// `listeners.quic.NAME.ssl_options`.
package struct QUICListenerTLSConfiguration: ConfigurationSection {
    /// The certificate and the chain above it, PEM. Default: not set; a pair is generated.
    package var certificateFile: String?
    /// Its private key, PEM. Default: not set; a pair is generated.
    package var keyFile: String?
    /// What the private key is encrypted with. Default: not set.
    package var password: String?
    /// Whether clients must show a certificate. Default `verify_none`.
    package var verify = ClientVerification.none
    /// Authorities for the clients' certificates, PEM. Default: not set.
    package var authorityFile: String?
    /// Those that clients may choose from, in the order of preference. Default: not set; the three of TLS 1.3.
    package var ciphers: [CipherSuite]?

    /// The cipher suites of TLS 1.3 that QUIC has (RFC 9001 §5.3).
    package enum CipherSuite: String, CaseIterable, Sendable {
        case aes128 = "TLS_AES_128_GCM_SHA256"
        case aes256 = "TLS_AES_256_GCM_SHA384"
        case chacha20 = "TLS_CHACHA20_POLY1305_SHA256"
    }

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
            .value(
                "verify",
                \.verify,
                .choice,
                "verify_peer: clients must show a certificate that an authority of cacertfile vouches for."
            ),
            .value("cacertfile", \.authorityFile, .path, "Authorities for the certificates of clients, PEM."),
            .value(
                "ciphers",
                \.ciphers,
                .list(),
                "Those that clients may choose from, in the order of preference; all three when it is not set."
            ),
            .meaningless("hibernate_after", because: "the TLS session is released after the handshake"),
        ]
    }

    package mutating func settle(at path: [String], in reading: inout SchemaReading) {
        guard verify == .peer, authorityFile == nil else { return }
        reading.add(
            ConfigurationProblem(
                origin: reading.origin(at: path + ["verify"]) ?? .builtIn,
                key: HOCONText.path(path + ["verify"]),
                message: "verify_peer is without authorities",
                allowed: "verify_peer together with cacertfile"
            )
        )
    }
}
