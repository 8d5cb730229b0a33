package import NIOSSL

/// What a TLS listener shows its clients, and asks of them.
package struct TLSServerConfiguration: Sendable {
    package var pair: CertificatePair
    package var clients = ClientVerification.none

    package enum ClientVerification: Sendable {
        /// Nobody is asked for a certificate.
        case none
        /// Certificates must come from the authorities, PEM; `isRequired` keeps out who has none.
        case authorities(pem: [UInt8], isRequired: Bool)
    }

    package init(pair: CertificatePair) { self.pair = pair }

    /// TLS 1.3 by BoringSSL. Made once for a listener: it parses certificates.
    ///
    /// - Throws: what does not fit in the certificates or the key.
    package func makeContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(pair.certificateChain).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: pair.privateKey, format: .pem))
        )
        configuration.minimumTLSVersion = .tlsv13
        if case .authorities(let pem, let isRequired) = clients {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(pem))
            configuration.certificateVerification = isRequired ? .noHostnameVerification : .optionalVerification
        }
        return try NIOSSLContext(configuration: configuration)
    }
}
