import Foundation
import Testing

@testable import BrokerServer

@Suite struct PEMBlockTests {
    private static let one = "-----BEGIN CERTIFICATE-----\nAAECAwQF\nBgcI\n-----END CERTIFICATE-----\n"
    private static let two = "-----BEGIN EC PRIVATE KEY-----\nCQoLDA==\n-----END EC PRIVATE KEY-----\n"

    private static let both = one + two

    /// The same two blocks, as editors and shells may leave them.
    private static let forms: [String] = [
        both,
        "\u{FEFF}" + both,
        both.replacingOccurrences(of: "\n", with: "\r\n"),
        both.replacingOccurrences(of: "\n", with: "\r"),
        both.split(separator: "\n").map { "  \t\($0)  " }.joined(separator: "\n"),
        both.replacingOccurrences(of: "-----\n-----", with: "----------"),
        // The dashes of the end are those of the next begin.
        both.replacingOccurrences(of: "-----\n-----", with: "-----"),
        both.replacingOccurrences(of: "\n", with: ""),
        "subject=CN = a\n" + one + "issuer: b\n\n" + two + "end",
    ]

    @Test("What editors and shells make of a file changes nothing", arguments: forms)
    func read(text: String) throws {
        let blocks = try PEMBlock.all(in: Array(text.utf8))
        #expect(blocks.map(\.label) == ["CERTIFICATE", "EC PRIVATE KEY"])
        #expect(blocks.map(\.octets) == [Array(0...8), Array(9...12)])
        #expect(blocks.map(\.isCertificate) == [true, false] && blocks.map(\.isPrivateKey) == [false, true])
        #expect(String(decoding: blocks.flatMap(\.canonical), as: UTF8.self).contains("-----\nCQoLDA==\n-----END EC"))
    }

    @Test("Lines have 64 characters, and headers stay before them") func canonical() throws {
        let text = """
              -----BEGIN RSA PRIVATE KEY-----
              Proc-Type: 4,ENCRYPTED
              DEK-Info: AES-256-CBC,00

              \(Data(repeating: 7, count: 60).base64EncodedString())
              -----END RSA PRIVATE KEY-----
            """
        let block = try #require(try PEMBlock.all(in: Array(text.utf8)).first)
        let lines = String(decoding: block.canonical, as: UTF8.self).split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        #expect(lines[1...3] == ["Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-256-CBC,00", ""])
        #expect(lines[4...5].map(\.count) == [64, 16])
        #expect(block.octets == Array(repeating: 7, count: 60))
    }

    @Test(
        "A damaged file is an error that names the block",
        arguments: [
            (one + "-----BEGIN CERTIFICATE-----\nAAEC", "2 is not closed"),
            ("-----BEGIN CERTIFICATE-----\nAA*C\n-----END CERTIFICATE-----", "1 is not Base64"),
            ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "1 is not Base64"),
            ("-----BEGIN ", "1 has no label"), ("-----BEGIN A-----\nAAEC\n-----END B-----", "1 is not closed"),
        ]
    )
    func damaged(text: String, says: String) {
        do {
            _ = try PEMBlock.all(in: Array(text.utf8))
            Issue.record("read")
        } catch {
            #expect(error.description.hasSuffix(says))
        }
    }

    @Test("A file without blocks has none") func none() throws {
        #expect(try PEMBlock.all(in: []).isEmpty)
        #expect(try PEMBlock.all(in: [0xFF, 0xFE, 0, 1]).isEmpty)
    }
}
