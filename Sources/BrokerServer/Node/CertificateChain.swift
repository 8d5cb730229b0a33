import SwiftASN1
import X509

/// The certificates that a server sends (RFC 8446 §4.4.2): its own, and those that lead from there towards a root.
struct CertificateChain {
    /// The server's own certificate first; each one is signed by the next.
    let blocks: [PEMBlock]
    /// The name of the issuer, if the server's own certificate stands alone and no file holds its issuer's; else `nil`.
    let missingIssuer: String?

    /// Certificates of a chain, the server's own among them. GnuTLS reads at most 16.
    static let maximumCount = 10

    /// Chooses the certificates.
    ///
    /// - Parameters:
    ///   - certfile: the blocks of the file of the server's own certificate, which is the first one.
    ///   - cacertfile: further certificates. A root among them is not sent: clients trust their own copy, or none.
    /// - Returns: `nil` if there is no certificate in `certfile`.
    init?(certfile: [PEMBlock], cacertfile: [PEMBlock]) {
        let given = certfile.filter(\.isCertificate)
        guard let first = given.first else { return nil }
        guard let leaf = Link(first) else {
            // A certificate that swift-certificates cannot read may still be one that the TLS libraries can.
            blocks = given
            missingIssuer = nil
            return
        }
        let own = given.dropFirst().compactMap(Link.init)
        let others = cacertfile.filter(\.isCertificate).compactMap(Link.init)
        var chain = [leaf]
        var isRooted = leaf.isSelfIssued
        while let last = chain.last, !last.isSelfIssued, chain.count < Self.maximumCount {
            if let issuer = own.first(where: last.isIssued) {
                chain.append(issuer)
            } else if let issuer = others.first(where: last.isIssued) {
                isRooted = true
                if issuer.isSelfIssued { break }
                chain.append(issuer)
            } else {
                break
            }
        }
        blocks = chain.map(\.block)
        missingIssuer = chain.count == 1 && !isRooted ? leaf.issuer : nil
    }

    /// A certificate of the chain, with what decides which one is its issuer.
    private struct Link {
        let block: PEMBlock
        private let certificate: Certificate
        private let subject: String
        let issuer: String

        init?(_ block: PEMBlock) {
            guard let certificate = try? Certificate(derEncoded: block.octets) else { return nil }
            self.block = block
            self.certificate = certificate
            // As text, since one name may be encoded as PrintableString here and as UTF8String there (RFC 5280 §7.1).
            subject = certificate.subject.description
            issuer = certificate.issuer.description
        }

        var isSelfIssued: Bool { subject == issuer }

        func isIssued(by other: Link) -> Bool {
            issuer == other.subject
                && other.certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
        }
    }
}
