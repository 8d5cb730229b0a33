import Foundation
package import QUICTransport

/// The files that a listener's certificate and its authorities are read from, at the start and whenever they change.
package struct CertificateFiles: Sendable {
    /// The certificate and the chain above it, PEM.
    package let chain: String
    /// Its private key, PEM.
    package let key: String
    /// What the private key is encrypted with, if it is.
    package let password: String?
    /// Authorities for clients' certificates, PEM.
    package let authorities: String?

    package init(chain: String, key: String, password: String? = nil, authorities: String? = nil) {
        self.chain = chain
        self.key = key
        self.password = password
        self.authorities = authorities
    }

    /// Reads what the files say into a QUIC listener's configuration, and holds it to it.
    ///
    /// - Throws: `CertificateFileError`.
    package func load(into configuration: QUICServerConfiguration) throws -> QUICServerConfiguration {
        var loaded = configuration
        let pair = try pair
        loaded.certificateChain = pair.certificateChain
        loaded.privateKey = pair.privateKey
        loaded.privateKeyPassword = password
        loaded.clientAuthorities = try authorities.map(Self.read)
        do throws(QUICError) {
            try loaded.validateWithCertificate()
        } catch {
            if case .trustRoots = error { throw noAuthorities(error) }
            throw unfit(error)
        }
        return loaded
    }

    /// Reads what the files say into the configuration of a TLS listener, and holds it to it.
    ///
    /// - Parameter needsClientCertificate: whether who has none is kept out, where there are authorities.
    /// - Throws: `CertificateFileError`.
    package func load(needsClientCertificate: Bool) throws -> TLSServerConfiguration {
        var loaded = TLSServerConfiguration(pair: try pair)
        loaded.needsClientCertificate = needsClientCertificate
        loaded.privateKeyPassword = password
        loaded.clientAuthorities = try authorities.map(Self.read)
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

    private func unfit(_ error: any Error) -> CertificateFileError {
        CertificateFileError(
            "\(chain) and \(key) are no certificate chain and private key in PEM that fit each other: \(error)"
        )
    }

    private func noAuthorities(_ error: any Error) -> CertificateFileError {
        CertificateFileError("\(authorities ?? "?") holds no certificate authorities in PEM: \(error)")
    }

    private var pair: CertificatePair {
        get throws { CertificatePair(certificateChain: try Self.read(chain), privateKey: try Self.read(key)) }
    }

    /// Holds authorities to what `load` will, where the certificate itself is not there yet.
    ///
    /// - Throws: `CertificateFileError`.
    package static func check(authorities: String) throws {
        let pair = try CertificatePair.selfSigned()
        var configuration = QUICServerConfiguration(
            certificateChain: pair.certificateChain,
            privateKey: pair.privateKey,
            staticSecret: Array(repeating: 0, count: 32)
        )
        configuration.clientAuthorities = try read(authorities)
        do throws(QUICError) {
            try configuration.validateWithCertificate()
        } catch {
            throw CertificateFileError("\(authorities) holds no certificate authorities in PEM: \(error)")
        }
    }

    private static func read(_ path: String) throws -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw CertificateFileError("cannot read \(path): \(error.localizedDescription)")
        }
    }

    /// What tells that a file is another than before.
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

    var stamps: [Stamp] { [chain, key, authorities].compactMap { $0.map(Stamp.init) } }
}

/// Why files are no certificate; names them.
package struct CertificateFileError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
