import Foundation
import QUICTransport
import Testing

@testable import BrokerServer

@Suite struct NodeSecretTests {
    @Test("A cluster has a secret, or a line for each, the newest first") func secretsOfACluster() throws {
        let path = NSTemporaryDirectory() + "secret-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        func write(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }
        func refusal() -> String {
            do {
                _ = try NodeSecret.readAll(path, key: "k")
                return ""
            } catch { return "\(error)" }
        }
        let secrets = (0..<8).map { [UInt8](repeating: $0, count: 32) }
        let digits = (0..<8).map { String(repeating: "0\($0)", count: 32) }
        let others = try #require(
            (1..<8).first { KeyRing.codepoint(of: secrets[$0]) != KeyRing.codepoint(of: secrets[0]) }
        )
        try Data(secrets[3]).write(to: URL(fileURLWithPath: path))
        #expect(try NodeSecret.readAll(path, key: "k") == [secrets[3]])
        try write("\(digits[others])\r\n\(digits[0])\n")
        #expect(try NodeSecret.readAll(path, key: "k") == [secrets[others], secrets[0]])
        for text in ["", "\n", "x", digits[0] + "\nx", digits.joined(separator: "\n")] {
            try write(text)
            #expect(refusal().hasPrefix("k: \(path) holds something else; allowed: 32 octets, or 1 to 7 lines"))
        }
        let same = try #require(
            (0..<200).map { UInt8($0) }.first { number in
                number > 0
                    && KeyRing.codepoint(of: [UInt8](repeating: number, count: 32)) == KeyRing.codepoint(of: secrets[0])
            }
        )
        try write(
            String(repeating: String(same >> 4, radix: 16) + String(same & 15, radix: 16), count: 32) + "\n" + digits[0]
        )
        #expect(refusal().contains("cannot tell two secrets"))
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
}
