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

    @Test("Each run of a folder has a higher number, also behind 65535") func runs() throws {
        let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(path: path)
        for number: UInt64 in 1...3 { #expect(try folder.beginRun().number == number) }
        let file = URL(fileURLWithPath: path + "/incarnation")
        #expect(try String(contentsOf: file, encoding: .utf8) == "3\n")
        try Data("65534\n".utf8).write(to: file)
        #expect(try (0..<3).map { _ in try folder.beginRun().incarnation } == [65_535, 0, 1])
        #expect(try String(contentsOf: file, encoding: .utf8) == "65537\n")
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(!FileManager.default.fileExists(atPath: path + "/incarnation.new"))
    }

    @Test("A folder is one running broker's") func folderIsHeld() throws {
        let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(path: path)
        var first: NodeRun? = try folder.beginRun()
        do {
            _ = try DataFolder(path: path).beginRun()
            Issue.record("taken twice")
        } catch let failure as DataFolder.Failure {
            #expect(failure.description.contains(path) && failure.description.contains("node.data_dir"))
        }
        #expect(first?.number == 1)
        first = nil
        #expect(try folder.beginRun().number == 2)
    }

    @Test(
        "A number of runs that is none is an error that names the file",
        arguments: [
            "", "\n", "7", "seven\n", "-1\n", "18446744073709551615\n", "99999999999999999999\n", "\u{0}\u{0}\n",
        ]
    )
    func numberIsDamaged(text: String) throws {
        let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(path: path)
        let file = URL(fileURLWithPath: path + "/incarnation")
        try Data(text.utf8).write(to: file)
        // Nothing is held behind it, and nothing is changed.
        for _ in 0..<2 {
            do {
                _ = try folder.beginRun()
                Issue.record("taken")
            } catch let failure as DataFolder.Failure {
                #expect(failure.description.contains(file.path))
            }
        }
        #expect(try Data(contentsOf: file) == Data(text.utf8))
    }

    @Test("A shared secret is 32 octets, or as many in hexadecimal") func sharedSecrets() throws {
        let path = NSTemporaryDirectory() + "secret-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let secret = (0..<32).map { UInt8($0 * 7) }
        let digits = secret.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        for content in [Data(secret), Data(digits.utf8), Data((digits.uppercased() + "\r\n").utf8)] {
            try content.write(to: URL(fileURLWithPath: path))
            #expect(try NodeSecret.read(path, key: "k").secret == secret)
        }
        for (mode, isExposed) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            #expect(try NodeSecret.read(path, key: "k").isExposed == isExposed)
            // A link's own mode says nothing.
            let link = path + "-link"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
            defer { try? FileManager.default.removeItem(atPath: link) }
            #expect(try NodeSecret.read(link, key: "k").isExposed == isExposed)
        }
        for content in ["", "short", digits + "0", String(digits.dropLast()) + "g", String(digits.dropLast(2))] {
            try Data(content.utf8).write(to: URL(fileURLWithPath: path))
            do {
                _ = try NodeSecret.read(path, key: "node.secret_file")
                Issue.record("taken: \(content)")
            } catch let failure as DataFolder.Failure {
                #expect(failure.description.hasPrefix("node.secret_file: \(path) "))
            }
        }
        #expect(throws: DataFolder.Failure.self) { try NodeSecret.read(path + "-none", key: "k") }
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
