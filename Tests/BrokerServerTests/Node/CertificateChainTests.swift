import SwiftASN1
import Testing
import X509

@testable import BrokerServer

@Suite struct CertificateChainTests {
    private let root: IssuedCertificate
    private let upper: IssuedCertificate
    private let lower: IssuedCertificate
    private let leaf: IssuedCertificate
    /// Of another authority, which vouches for clients.
    private let stranger: IssuedCertificate

    init() throws {
        root = try IssuedCertificate("root")
        upper = try IssuedCertificate("upper", by: root)
        lower = try IssuedCertificate("lower", by: upper)
        leaf = try IssuedCertificate("leaf", by: lower)
        stranger = try IssuedCertificate("stranger")
    }

    private func chain(_ certfile: [IssuedCertificate], _ cacertfile: [IssuedCertificate] = []) throws
        -> CertificateChain
    {
        try #require(
            CertificateChain(
                certfile: try certfile.flatMap { try $0.blocks },
                cacertfile: cacertfile.flatMap { try $0.blocks }
            )
        )
    }

    private func octets(_ certificates: [IssuedCertificate]) throws -> [[UInt8]] { try certificates.map { try $0.der } }

    @Test("A chain goes from the server's certificate upwards, through both files, in whatever order they are")
    func completed() throws {
        let expected = try octets([leaf, lower, upper])
        for (certfile, cacertfile) in [
            ([leaf], [lower, upper]), ([leaf], [stranger, root, upper, lower]), ([leaf, lower], [upper]),
            ([leaf, upper, lower], []), ([leaf, lower, upper], [root, lower, upper]),
        ] {
            let chain = try chain(certfile, cacertfile)
            #expect(chain.blocks.map(\.octets) == expected)
            #expect(chain.missingIssuer == nil)
        }
    }

    @Test("Certificates that do not lead from the server's are not sent, and no root of cacertfile is") func others()
        throws
    {
        #expect(try chain([leaf], [stranger, root]).blocks.map(\.octets) == octets([leaf]))
        #expect(try chain([leaf, stranger, lower], []).blocks.map(\.octets) == octets([leaf, lower]))
        #expect(try chain([leaf, lower, upper, root], []).blocks.map(\.octets) == octets([leaf, lower, upper, root]))
        let issued = try IssuedCertificate("issued", by: root)
        let alone = try chain([issued], [root])
        #expect(alone.blocks.map(\.octets) == (try octets([issued])) && alone.missingIssuer == nil)
    }

    @Test("An issuer of the same name with another key is not taken for the issuer") func sameName() throws {
        let impostor = try IssuedCertificate("lower", by: upper)
        #expect(try chain([leaf], [impostor, lower, upper]).blocks.map(\.octets) == octets([leaf, lower, upper]))
    }

    @Test("A name may be encoded in two ways") func encodings() throws {
        let printable = try IssuedCertificate(
            DistinguishedName([.init(.init(type: .RDNAttributeType.commonName, printableString: "twice"))])
        )
        let utf8 = try IssuedCertificate("leaf", by: printable)
        let issuer = try IssuedCertificate("twice")
        #expect(printable.certificate.subject != issuer.certificate.subject)
        #expect(printable.certificate.subject.description == issuer.certificate.subject.description)
        #expect(try chain([utf8], [printable]).missingIssuer == nil)
    }

    @Test("A certificate without its issuer is told of") func incomplete() throws {
        #expect(try chain([leaf], []).missingIssuer == "CN=lower")
        #expect(try chain([leaf], [stranger, upper]).missingIssuer == "CN=lower")
        #expect(try chain([leaf, lower], []).missingIssuer == nil)
        #expect(try chain([stranger], []).missingIssuer == nil, "it is its own issuer")
    }

    @Test("A chain is bounded") func bounded() throws {
        var certificates = [root]
        for number in 0..<20 { certificates.append(try IssuedCertificate("\(number)", by: certificates.last)) }
        let chain = try chain(Array(certificates.suffix(1)), certificates)
        #expect(chain.blocks.count == CertificateChain.maximumCount)
    }

    @Test("Two authorities that sign each other make no endless chain") func circle() throws {
        let first = try IssuedCertificate("first")
        let crossed = try IssuedCertificate("second", by: first)
        let leaf = try IssuedCertificate("leaf", by: crossed)
        #expect(try chain([leaf], [crossed, first, crossed]).blocks.count == 2)
    }

    @Test("What cannot be read as a certificate is left to the TLS libraries") func unreadable() throws {
        let odd = try PEMBlock.all(in: Array("-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----".utf8))
        let chain = try #require(CertificateChain(certfile: odd + leaf.blocks, cacertfile: odd))
        #expect(chain.blocks.count == 2)
        #expect(CertificateChain(certfile: [], cacertfile: odd) == nil)
    }
}
