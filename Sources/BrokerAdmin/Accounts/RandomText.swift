import Foundation

/// Octets of the system's random number generator, and texts of octets.
enum RandomText {
    private static let letters = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    static func octets(_ count: Int) -> [UInt8] {
        var octets: [UInt8] = []
        // Eight at a time: each call asks the kernel.
        while octets.count < count {
            withUnsafeBytes(of: UInt64.random(in: .min ... .max)) { octets += $0.prefix(count - octets.count) }
        }
        return octets
    }

    /// Letters and digits, each as likely as any other.
    static func letters(_ count: Int) -> String {
        String(decoding: (0..<count).compactMap { _ in letters.randomElement() }, as: UTF8.self)
    }

    /// The octets as a number to the base 62, with as many digits as so many octets can need.
    static func base62(_ octets: [UInt8]) -> String {
        var number = octets[...]
        var digits: [UInt8] = []
        while !number.isEmpty {
            var (quotient, rest): ([UInt8], Int) = ([], 0)
            for octet in number {
                let value = rest << 8 | Int(octet)
                quotient.append(UInt8(value / 62))
                rest = value % 62
            }
            digits.append(letters[rest])
            number = quotient.drop { $0 == 0 }
        }
        let width = Int((Double(octets.count * 8) / log2(62)).rounded(.up))
        while digits.count < width { digits.append(letters[0]) }
        return String(decoding: digits.reversed(), as: UTF8.self)
    }

    static func hexadecimal(_ octets: some Sequence<UInt8>) -> String {
        octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// RFC 4648 §5, without padding.
    static func base64URL(_ octets: [UInt8]) -> String {
        Data(octets).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
    }

    /// `nil` for what `base64URL` does not make.
    static func octets(base64URL text: String) -> [UInt8]? {
        guard !text.utf8.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") }) else { return nil }
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        let base64 = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/") + padding
        guard let octets = Data(base64Encoded: base64).map(Array.init), base64URL(octets) == text else { return nil }
        return octets
    }
}
