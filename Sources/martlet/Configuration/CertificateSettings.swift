import BrokerConfiguration
import Secrets

/// `ssl_options` of a listener: its certificate, and whether clients need one.
struct CertificateSettings {
    /// The certificate and the chain above it, PEM; `nil` for a generated pair.
    var chainFile: String?
    /// The private key of the certificate, PEM; `nil` for a generated pair.
    var keyFile: String?
    /// The password that the private key is encrypted with; `nil` for none.
    @Secret var password: String?
    /// Intermediate certificates and authorities, PEM; `nil` for none.
    var authorityFile: String?
    /// Whether clients are asked for a certificate.
    var verifiesClients = false
    /// Whether clients without a certificate are refused where certificates are verified. Over QUIC they always are.
    var needsClientCertificate = false

    /// The file of the authorities that clients' certificates must come from, where they are verified.
    var clientAuthorityFile: String? { verifiesClients ? authorityFile : nil }

    static var tlsSection: Section<Self> {
        let fields: [Field<Self>] =
            commonFields + [
                .value(
                    "fail_if_no_peer_cert",
                    \.needsClientCertificate,
                    .boolean,
                    "With `verify_peer`: whether a client without a certificate is refused.",
                    .atStart
                ),
                .withoutEffect("ciphers", because: "the three of TLS 1.3 are offered"),
            ]
        return Section(fields + EMQXKeys.tls(), complete: complete)
    }

    static var quicSection: Section<Self> {
        Section(
            commonFields + EMQXKeys.tls() + [
                .withoutEffect("fail_if_no_peer_cert", because: "over QUIC, verify_peer always requires a certificate")
            ],
            complete: complete
        )
    }

    private static var commonFields: [Field<Self>] {
        [
            .value(
                "certfile",
                \.chainFile,
                .path,
                "The certificate and the chain above it, PEM. A pair is generated when neither file is set.",
                .atStart
            ),
            .value("keyfile", \.keyFile, .path, "The private key of the certificate, PEM.", .atStart),
            .value(
                "password",
                \.password,
                .string,
                isSecret: true,
                "The password that the private key is encrypted with, if it is.",
                .atStart
            ),
            .value(
                "cacertfile",
                \.authorityFile,
                .path,
                "Intermediate certificates, PEM, that are sent if they lead on from `certfile`; with `verify_peer`, also the authorities of clients' certificates.",
                .atStart
            ),
            .value(
                "verify",
                \.verifiesClients,
                .choice(["verify_none": false, "verify_peer": true]),
                "Whether clients are asked for a certificate; `verify_peer` needs `cacertfile`.",
                .atStart
            ),
        ]
    }

    private static func complete(_ settings: inout Self, at path: [String], in reading: inout SchemaReading) {
        func refuse(_ key: String, _ message: String, allowed: String) {
            let origin = reading.origin(at: path + [key]) ?? .builtIn
            let key = HOCONText.path(path + [key])
            reading.add(ConfigurationProblem(origin: origin, key: key, message: message, allowed: allowed))
        }
        if (settings.chainFile == nil) != (settings.keyFile == nil) {
            let (given, missing) = settings.chainFile == nil ? ("keyfile", "certfile") : ("certfile", "keyfile")
            refuse(
                given,
                "there is a \(given) without its \(missing)",
                allowed: "both, or neither for a generated pair"
            )
        }
        if settings.verifiesClients, settings.authorityFile == nil {
            refuse(
                "verify",
                "no authority is named that clients' certificates must come from",
                allowed: "verify_none, or verify_peer with cacertfile"
            )
        }
    }
}

extension CertificateSettings {
    /// The pair that a listener uses.
    enum Pair: Equatable {
        /// `warning` is set where the configuration names files.
        case generated(warning: String?)
        case files(chain: String, key: String)
    }

    /// EMQX ships a pair at these places, under several names. Martlet ships none, so that a generated pair takes the place of
    /// a pair that is not there.
    private static let shippedFolders = ["/opt/emqx/etc/certs/", "etc/certs/", "\(etcFolder)/certs/"]
    private static let etcVariable = "EMQX_ETC_DIR"
    private static let etcFolder = "${\(etcVariable)}"

    /// Chooses the pair. Whether files can be read, and fit each other, shows when they are loaded.
    func pair(in environment: [String: String], fileExists: (_ path: String) -> Bool) -> Pair {
        guard let chainFile, let keyFile else { return .generated(warning: nil) }
        let chain = Self.expanded(chainFile, in: environment)
        let key = Self.expanded(keyFile, in: environment)
        let isShipped =
            Self.shippedFolders.contains { chainFile == $0 + "cert.pem" }
            && Self.shippedFolders.contains { keyFile == $0 + "key.pem" }
        guard isShipped, !fileExists(chain), !fileExists(key) else { return .files(chain: chain, key: key) }
        return .generated(warning: "neither \(chain) nor \(key) exists; a generated certificate is used instead")
    }

    /// `path`, with the variable that EMQX's files begin paths with replaced by its value, where it is set.
    static func expanded(_ path: String, in environment: [String: String]) -> String {
        guard path.hasPrefix(etcFolder), let folder = environment[etcVariable], !folder.isEmpty else { return path }
        return folder + path.dropFirst(etcFolder.count)
    }
}
