package import NIOSSL
package import Secrets

/// The certificate of a TLS listener, and whether its clients need one.
package struct TLSServerConfiguration: Sendable {
    package var pair: CertificatePair
    /// The password that the private key is encrypted with; `nil` for none.
    @Secret package var privateKeyPassword: String?
    /// Authorities that certificates of clients must come from, PEM; if `nil`, clients are not asked for a certificate.
    package var clientAuthorities: [UInt8]?
    /// True if a client without a certificate is refused, where there are authorities.
    package var needsClientCertificate = false

    package init(pair: CertificatePair) { self.pair = pair }

    /// Makes a context of BoringSSL for TLS 1.3. Certificates are parsed for it, so that one context is used for many connections.
    ///
    /// - Throws: `NIOSSLError` if certificates and key cannot be read or do not fit each other.
    package func makeContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(pair.certificateChain).map { .certificate($0) },
            privateKey: .privateKey(try privateKey)
        )
        configuration.minimumTLSVersion = .tlsv13
        if let trustRoots = try trustRoots {
            configuration.trustRoots = .certificates(trustRoots)
            configuration.certificateVerification =
                needsClientCertificate ? .noHostnameVerification : .optionalVerification
        }
        return try NIOSSLContext(configuration: configuration)
    }

    private var privateKey: NIOSSLPrivateKey {
        get throws {
            guard let password = privateKeyPassword else {
                return try NIOSSLPrivateKey(bytes: pair.privateKey, format: .pem)
            }
            return try NIOSSLPrivateKey(bytes: pair.privateKey, format: .pem) { $0(Array(password.utf8)) }
        }
    }

    var trustRoots: [NIOSSLCertificate]? {
        get throws { try clientAuthorities.map(NIOSSLCertificate.fromPEMBytes) }
    }
}
