package import NIOSSL

/// What a TLS listener shows its clients, and asks of them.
package struct TLSServerConfiguration: Sendable {
    package var pair: CertificatePair
    /// What the private key is encrypted with, if it is.
    package var privateKeyPassword: String?
    /// Authorities for clients' certificates, PEM; without any nobody is asked for one.
    package var clientAuthorities: [UInt8]?
    /// Whether who has no certificate is kept out, where there are authorities.
    package var needsClientCertificate = false

    package init(pair: CertificatePair) { self.pair = pair }

    /// TLS 1.3 by BoringSSL. Made once for many connections: it parses certificates.
    ///
    /// - Throws: what does not fit in the certificates or the key.
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
