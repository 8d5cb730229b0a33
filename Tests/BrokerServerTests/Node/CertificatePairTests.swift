import Foundation
import SwiftASN1
import Testing
import X509

@testable import BrokerServer

@Suite struct CertificatePairTests {
    @Test("A generated certificate names this host and loopback") func certificate() throws {
        let pem = try String(decoding: CertificatePair.selfSigned().certificateChain, as: UTF8.self)
        let certificate = try Certificate(pemEncoded: pem)
        let names = try #require(try certificate.extensions.subjectAlternativeNames)
        #expect(names.contains(.dnsName("localhost")))
        #expect(names.contains(.dnsName(ProcessInfo.processInfo.hostName)))
        #expect(certificate.notValidBefore < Date() && certificate.notValidAfter > Date())
    }
}
