import Crypto
import Foundation
import SwiftASN1
import X509

/// A self-signed ECDSA certificate for `localhost` and 127.0.0.1 with its key, PEM.
struct CertificatePair: Sendable {
    let certificate: [UInt8]
    let key: [UInt8]

    init() throws {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let subject = try DistinguishedName { CommonName("localhost") }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: key.publicKey,
            notValidBefore: Date.now - 3600,
            notValidAfter: Date.now + 86_400,
            issuer: subject,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                SubjectAlternativeNames([
                    .dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                ])
            },
            issuerPrivateKey: key
        )
        self.certificate = Array(try certificate.serializeAsPEM().pemString.utf8)
        self.key = Array(try key.serializeAsPEM().pemString.utf8)
    }
}
