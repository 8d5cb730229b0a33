import Foundation
import Testing

@testable import BrokerServer

@Suite struct NodeSecretTests {
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
}
