import Crypto
import Foundation
import SwiftASN1
import X509

@testable import BrokerServer

/// A certificate for `localhost` or of an authority, signed by an issuer or by itself.
struct IssuedCertificate {
    let certificate: Certificate
    let key: Certificate.PrivateKey

    init(_ subject: DistinguishedName, by issuer: IssuedCertificate? = nil) throws {
        key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: key.publicKey,
            notValidBefore: Date.now - 3_600,
            notValidAfter: Date.now + 86_400,
            issuer: issuer?.certificate.subject ?? subject,
            subject: subject,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                SubjectAlternativeNames([.dnsName("localhost")])
            },
            issuerPrivateKey: issuer?.key ?? key
        )
    }

    init(_ commonName: String, by issuer: IssuedCertificate? = nil) throws {
        try self.init(DistinguishedName { CommonName(commonName) }, by: issuer)
    }

    var pem: String { get throws { try certificate.serializeAsPEM().pemString + "\n" } }

    var keyPEM: String { get throws { try key.serializeAsPEM().pemString + "\n" } }

    var der: [UInt8] {
        get throws {
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return serializer.serializedBytes
        }
    }

    var pemOctets: [UInt8] { get throws { Array(try pem.utf8) } }

    var blocks: [PEMBlock] { get throws { try PEMBlock.all(in: Array(pem.utf8)) } }
}
