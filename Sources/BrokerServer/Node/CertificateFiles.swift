import Foundation
package import QUICTransport
package import Secrets

/// The files of a listener's certificate and of certificate authorities, which are read at the start and whenever they change.
///
/// Every file is PEM, and read by `PEMBlock`, so that TLS and QUIC accept the same files.
package struct CertificateFiles: Sendable {
    /// `ssl_options.certfile`: the server's certificate, and mostly the chain above it.
    package let chain: String
    /// `ssl_options.keyfile`: the private key of the server's certificate.
    package let key: String
    /// The password that the private key is encrypted with; `nil` for none.
    @Secret package private(set) var password: String?
    /// `ssl_options.cacertfile`, from which the chain above the server's certificate is completed; `nil` for none.
    package let intermediates: String?
    /// Authorities that the certificates of clients must come from; `nil` where clients are not asked for any.
    package let authorities: String?

    package init(
        chain: String,
        key: String,
        password: String? = nil,
        intermediates: String? = nil,
        authorities: String? = nil
    ) {
        self.chain = chain
        self.key = key
        self.password = password
        self.intermediates = intermediates
        self.authorities = authorities
    }

    /// Reads the files into the configuration of a QUIC listener, and validates it.
    ///
    /// - Throws: `CertificateFileError`.
    package func load(into configuration: QUICServerConfiguration) throws -> QUICServerConfiguration {
        var loaded = configuration
        let pair = try pair
        loaded.certificateChain = pair.certificateChain
        loaded.privateKey = pair.privateKey
        loaded.privateKeyPassword = password
        loaded.clientAuthorities = try authorities.map(Self.certificates)
        do throws(QUICError) {
            try loaded.validateWithCertificate()
        } catch {
            if case .trustRoots = error { throw noAuthorities(error) }
            throw unfit(error)
        }
        return loaded
    }

    /// Reads the files into the configuration of a TLS listener, and validates it.
    ///
    /// - Parameter needsClientCertificate: whether a client without a certificate is refused, where there are authorities.
    /// - Throws: `CertificateFileError`.
    package func load(needsClientCertificate: Bool) throws -> TLSServerConfiguration {
        var loaded = TLSServerConfiguration(pair: try pair)
        loaded.needsClientCertificate = needsClientCertificate
        loaded.privateKeyPassword = password
        loaded.clientAuthorities = try authorities.map(Self.certificates)
        do {
            _ = try loaded.trustRoots
        } catch {
            throw noAuthorities(error)
        }
        do {
            _ = try loaded.makeContext()
        } catch {
            throw unfit(error)
        }
        return loaded
    }

    /// Warnings about a chain that clients may not be able to verify. Files that cannot be read give none: `load` throws.
    package var warnings: [String] {
        var warnings: [String] = []
        if let intermediates, isMissing(intermediates) {
            warnings.append(
                "cacertfile \(intermediates) does not exist, so that no intermediate certificates come from it"
            )
        }
        if let issuer = try? certificateChain.missingIssuer {
            warnings.append(
                "\(chain) holds a certificate of \(issuer), and neither certfile nor cacertfile holds a certificate of this "
                    + "issuer: a client that has none cannot verify the server; append the intermediate certificates to certfile"
            )
        }
        return warnings
    }

    private func unfit(_ error: any Error) -> CertificateFileError {
        CertificateFileError(
            "\(chain) and \(key) are no certificate chain and private key in PEM that fit each other: \(error)"
        )
    }

    private func noAuthorities(_ error: any Error) -> CertificateFileError {
        CertificateFileError("\(authorities ?? "?") holds no certificate authorities in PEM: \(error)")
    }

    private var pair: CertificatePair {
        get throws {
            let chain = try certificateChain
            guard let key = try Self.blocks(key).first(where: \.isPrivateKey) else {
                throw CertificateFileError("\(key) holds no private key in PEM")
            }
            return CertificatePair(certificateChain: chain.blocks.flatMap(\.canonical), privateKey: key.canonical)
        }
    }

    private var certificateChain: CertificateChain {
        get throws {
            var further: [PEMBlock] = []
            if let intermediates, !isMissing(intermediates) { further = try Self.blocks(intermediates) }
            guard let made = CertificateChain(certfile: try Self.blocks(chain), cacertfile: further) else {
                throw CertificateFileError("\(chain) holds no certificate in PEM")
            }
            return made
        }
    }

    /// EMQX's own files name a cacertfile that is not there, which matters only if clients are verified.
    private func isMissing(_ intermediates: String) -> Bool {
        intermediates != authorities && !FileManager.default.fileExists(atPath: intermediates)
    }

    /// Validates authorities as `load` does, where there is no certificate yet.
    ///
    /// - Throws: `CertificateFileError`.
    package static func check(authorities: String) throws {
        let pair = try CertificatePair.selfSigned()
        var configuration = QUICServerConfiguration(
            certificateChain: pair.certificateChain,
            privateKey: pair.privateKey,
            staticSecret: Array(repeating: 0, count: 32)
        )
        configuration.clientAuthorities = try certificates(authorities)
        do throws(QUICError) {
            try configuration.validateWithCertificate()
        } catch {
            throw CertificateFileError("\(authorities) holds no certificate authorities in PEM: \(error)")
        }
    }

    private static func certificates(_ path: String) throws -> [UInt8] {
        try blocks(path).filter(\.isCertificate).flatMap(\.canonical)
    }

    private static func blocks(_ path: String) throws -> [PEMBlock] {
        let octets: [UInt8]
        do {
            octets = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw CertificateFileError("cannot read \(path): \(SystemReason(error))")
        }
        do {
            return try PEMBlock.all(in: octets)
        } catch {
            throw CertificateFileError("\(path): \(error)")
        }
    }

    /// The attributes of a file by which a change is noticed.
    struct Stamp: Equatable {
        private let modified: Date?
        private let size: UInt64?
        private let number: UInt64?

        init(_ path: String) {
            // Links lead to the file, since a mounted secret is changed by changing a link.
            let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
            let attributes = try? FileManager.default.attributesOfItem(atPath: target)
            modified = attributes?[.modificationDate] as? Date
            size = (attributes?[.size] as? NSNumber)?.uint64Value
            number = (attributes?[.systemFileNumber] as? NSNumber)?.uint64Value
        }
    }

    var stamps: [Stamp] { [chain, key, intermediates, authorities].compactMap { $0.map(Stamp.init) } }
}

/// Why files cannot be used. The text names them, and nothing of their content.
package struct CertificateFileError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
