/// Octets that have a meaning on a NATS connection.
enum Octet {
    static let tab = UInt8(ascii: "\t")
    static let lineFeed = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let space = UInt8(ascii: " ")
    static let colon = UInt8(ascii: ":")
    static let quote = UInt8(ascii: "'")
    static let dot = UInt8(ascii: ".")
}

extension Span<UInt8> {
    /// The decimal number in a range: 1 to 19 digits, which fit an `Int64`, and nothing else.
    func number(in range: Range<Int>) -> UInt64? {
        guard (1...19).contains(range.count) else { return nil }
        var value: UInt64 = 0
        for index in range {
            let digit = self[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + UInt64(digit)
        }
        return value <= UInt64(Int64.max) ? value : nil
    }
}
