import Crypto
import Foundation
package import Secrets
import SwiftASN1
import X509

/// A certificate chain and its private key, as PEM.
package struct CertificatePair: Sendable {
    package let certificateChain: [UInt8]
    @Secret package private(set) var privateKey: [UInt8]

    package init(certificateChain: [UInt8], privateKey: [UInt8]) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
    }

    /// Years until a generated pair expires. Nothing renews it.
    private static let lifetimeYears = 10

    /// A new ECDSA P-256 pair for this host and for loopback.
    package static func selfSigned() throws -> CertificatePair {
        let key = P256.Signing.PrivateKey()
        let host = ProcessInfo.processInfo.hostName
        let now = Date()
        let name = try DistinguishedName { CommonName("Martlet on \(host)") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            // A day ago, since the clock of a client may be late.
            notValidBefore: now.addingTimeInterval(-86_400),
            notValidAfter: now.addingTimeInterval(Double(lifetimeYears) * 365 * 86_400),
            issuer: name,
            subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                SubjectAlternativeNames([
                    .dnsName("localhost"),
                    .dnsName(host),
                    .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                    .ipAddress(ASN1OctetString(contentBytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
                ])
            },
            issuerPrivateKey: Certificate.PrivateKey(key)
        )
        return CertificatePair(
            certificateChain: Array(try certificate.serializeAsPEM().pemString.utf8),
            privateKey: Array(key.pemRepresentation.utf8)
        )
    }
}
