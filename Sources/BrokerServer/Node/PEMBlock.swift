import Foundation
import Secrets

/// A block of a PEM file (RFC 7468): a label, and octets in Base64 between the two lines that name it.
///
/// The reader accepts what editors and shells make of such files: a byte order mark, indentation, any kind of line end, text around
/// blocks, and blocks that follow each other without a line end. Both TLS libraries get blocks in their canonical form only.
struct PEMBlock: SecretValue {
    /// Such as `CERTIFICATE` or `EC PRIVATE KEY`.
    let label: String
    /// What the block holds, mostly DER.
    let octets: [UInt8]
    /// Headers of an encrypted private key (RFC 1421 §4.6), a line each.
    private let headers: [String]

    private static let lineWidth = 64
    private static let begin = "-----BEGIN "
    private static let dashes = "-----"

    /// Why a file cannot be read.
    struct Damage: Error, CustomStringConvertible {
        /// Counts from 1.
        let number: Int
        let reason: String

        var description: String { "its PEM block \(number) \(reason)" }
    }

    /// Reads all blocks of a file, which may be none.
    static func all(in file: [UInt8]) throws(Damage) -> [PEMBlock] {
        var blocks: [PEMBlock] = []
        var rest = String(decoding: file, as: UTF8.self)[...]
        while let start = rest.range(of: begin) {
            let number = blocks.count + 1
            rest = rest[start.upperBound...]
            guard let labelEnd = rest.range(of: dashes) else { throw Damage(number: number, reason: "has no label") }
            let label = String(rest[..<labelEnd.lowerBound])
            let body = rest[labelEnd.upperBound...]
            guard let end = body.range(of: "-----END \(label)\(dashes)") else {
                throw Damage(number: number, reason: "is not closed")
            }
            guard let block = PEMBlock(label: label, body: body[..<end.lowerBound]) else {
                throw Damage(number: number, reason: "is not Base64")
            }
            blocks.append(block)
            // The last dashes of a block may be the first ones of the next block, too.
            rest = body[body.index(end.upperBound, offsetBy: -dashes.count)...]
        }
        return blocks
    }

    private init?(label: String, body: Substring) {
        let lines = body.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        let headers = lines.filter { $0.contains(":") }
        let base64 = lines.filter { !$0.contains(":") }.joined().filter { !$0.isWhitespace }
        guard let data = Data(base64Encoded: base64), !data.isEmpty else { return nil }
        self.label = label
        self.headers = headers
        octets = Array(data)
    }

    /// The block as RFC 7468 §3 has it.
    var canonical: [UInt8] {
        let base64 = Array(Data(octets).base64EncodedString().utf8)
        var lines = ["-----BEGIN \(label)-----"]
        if !headers.isEmpty { lines += headers + [""] }
        for start in stride(from: 0, to: base64.count, by: Self.lineWidth) {
            lines.append(String(decoding: base64[start..<min(start + Self.lineWidth, base64.count)], as: UTF8.self))
        }
        lines.append("-----END \(label)-----")
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// The second label is that of an early OpenSSL.
    var isCertificate: Bool { label == "CERTIFICATE" || label == "X509 CERTIFICATE" }

    var isPrivateKey: Bool { label.hasSuffix("PRIVATE KEY") }
}
