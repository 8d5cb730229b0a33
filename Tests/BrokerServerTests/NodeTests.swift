import Foundation
import SwiftASN1
import Testing
import X509

@testable import BrokerServer

@Suite struct NodeTests {
    @Test("The data folder keeps its secret and its certificate, for its owner alone") func kept() throws {
        let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))/data"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(path: path)
        let secret = try folder.secret()
        let pair = try folder.certificate()
        #expect(secret.count == 32)
        let again = try DataFolder(path: path)
        #expect(try again.secret() == secret)
        #expect(try again.certificate().privateKey == pair.privateKey)
        for (name, mode) in [("secret", 0o600), ("certs/key.pem", 0o600), ("", 0o700)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
            #expect(attributes[.posixPermissions] as? Int == mode)
        }
    }

    @Test("A secret that was cut short is an error that says so") func damaged() throws {
        let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(path: path)
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path + "/secret"))
        #expect(throws: DataFolder.Failure.self) { try folder.secret() }
    }

    @Test("A generated certificate names this host and loopback") func certificate() throws {
        let pem = try String(decoding: CertificatePair.selfSigned().certificateChain, as: UTF8.self)
        let certificate = try Certificate(pemEncoded: pem)
        let names = try #require(try certificate.extensions.subjectAlternativeNames)
        #expect(names.contains(.dnsName("localhost")))
        #expect(names.contains(.dnsName(ProcessInfo.processInfo.hostName)))
        #expect(certificate.notValidBefore < Date() && certificate.notValidAfter > Date())
    }
}
