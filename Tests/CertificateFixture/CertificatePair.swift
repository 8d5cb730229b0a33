import Crypto
import Foundation
import SwiftASN1
import X509

/// A self-signed ECDSA P-256 certificate with its key, PEM, for a name and for 127.0.0.1.
package struct CertificatePair: Sendable {
    package let certificate: [UInt8]
    package let key: [UInt8]

    /// - Parameter aliases: further names, which make it as long as one likes.
    package init(name: String = "localhost", aliases: [String] = []) throws {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let subject = try DistinguishedName { CommonName(name) }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: key.publicKey,
            notValidBefore: Date.now - 3_600,
            notValidAfter: Date.now + 86_400,
            issuer: subject,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                SubjectAlternativeNames(
                    [.dnsName(name), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1]))]
                        + aliases.map { .dnsName($0) }
                )
            },
            issuerPrivateKey: key
        )
        self.certificate = Array(try certificate.serializeAsPEM().pemString.utf8)
        self.key = Array(try key.serializeAsPEM().pemString.utf8)
    }

    /// One for all tests that do not look at it.
    package static let shared = Result { try CertificatePair() }
}
