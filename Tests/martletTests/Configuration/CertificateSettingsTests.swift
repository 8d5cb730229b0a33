import BrokerConfiguration
import Testing

@testable import martlet

@Suite struct CertificateSettingsTests {
    private static func settings(_ chain: String?, _ key: String?) -> CertificateSettings {
        var settings = CertificateSettings()
        settings.chainFile = chain
        settings.keyFile = key
        return settings
    }

    /// EMQX ships a pair at these places.
    @Test(arguments: ["/opt/emqx/etc/certs", "etc/certs", "${EMQX_ETC_DIR}/certs"])
    func shippedPathsMeanAGeneratedPairWhileNeitherFileExists(folder: String) throws {
        let settings = Self.settings("\(folder)/cert.pem", "\(folder)/key.pem")
        guard case .generated(let warning?) = settings.pair(in: [:], fileExists: { _ in false }) else {
            Issue.record("expected a generated pair with a warning")
            return
        }
        #expect(warning.contains("\(folder)/cert.pem"))
        let files = CertificateSettings.Pair.files(chain: "\(folder)/cert.pem", key: "\(folder)/key.pem")
        #expect(settings.pair(in: [:], fileExists: { $0 == "\(folder)/key.pem" }) == files)
        #expect(settings.pair(in: [:], fileExists: { _ in true }) == files)
    }

    @Test func folderIsThatOfTheEnvironment() {
        let settings = Self.settings("${EMQX_ETC_DIR}/certs/cert.pem", "${EMQX_ETC_DIR}/certs/key.pem")
        let environment = ["EMQX_ETC_DIR": "/etc/emqx"]
        #expect(
            settings.pair(in: environment, fileExists: { $0.hasPrefix("/etc/emqx/certs/") })
                == .files(chain: "/etc/emqx/certs/cert.pem", key: "/etc/emqx/certs/key.pem")
        )
        #expect(CertificateSettings.expanded("${EMQX_ETC_DIR}/ca.pem", in: environment) == "/etc/emqx/ca.pem")
        #expect(
            CertificateSettings.expanded("${EMQX_ETC_DIR}/ca.pem", in: ["EMQX_ETC_DIR": ""]) == "${EMQX_ETC_DIR}/ca.pem"
        )
        #expect(CertificateSettings.expanded("${HOME}/ca.pem", in: ["HOME": "/root"]) == "${HOME}/ca.pem")
    }

    @Test func ownFilesAreTaken() throws {
        let quic = try load(
            "listeners.quic.default { keyfile = \"k.pem\", ssl_options { keyfile = \"k.pem\", certfile = \"c.pem\" } }"
        ).configuration.listeners.quic["default"]?.options.certificate
        #expect(quic?.pair(in: [:], fileExists: { _ in false }) == .files(chain: "c.pem", key: "k.pem"))
        #expect(Self.settings(nil, nil).pair(in: [:], fileExists: { _ in true }) == .generated(warning: nil))
        // One of the places is not enough.
        let mixed = Self.settings("etc/certs/cert.pem", "own/key.pem")
        #expect(
            mixed.pair(in: [:], fileExists: { _ in false }) == .files(chain: "etc/certs/cert.pem", key: "own/key.pem")
        )
    }

    @Test func authoritiesCountWhereClientsAreVerified() throws {
        let block = "listeners.ssl.a.ssl_options { cacertfile = ca, verify = "
        let none = try load(block + "verify_none }").configuration.listeners.tls["a"]?.options
        #expect(none?.authorityFile == "ca" && none?.clientAuthorityFile == nil)
        let tls = try load(block + "verify_peer, fail_if_no_peer_cert = true }").configuration.listeners.tls["a"]?
            .options
        #expect(tls?.clientAuthorityFile == "ca" && tls?.needsClientCertificate == true)
    }
}
