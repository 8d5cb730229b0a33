/// The 8 octets by which a load balancer of AWS knows a server.
package enum ServerID {
    private static let digits = 16

    /// - Returns: `nil` for anything but `0x` and 16 hexadecimal digits.
    package static func number(of text: String) -> UInt64? {
        guard text.hasPrefix("0x"), text.utf8.count == 2 + digits,
            text.utf8.dropFirst(2).allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit })
        else { return nil }
        return UInt64(text.dropFirst(2), radix: 16)
    }

    static func text(_ number: UInt64) -> String {
        let hexadecimal = String(number, radix: 16)
        return "0x" + String(repeating: "0", count: digits - hexadecimal.count) + hexadecimal
    }
}

extension ValueForm<UInt64> {
    /// A server identifier in the form of AWS.
    package static var serverID: ValueForm {
        .text("0x and 16 hexadecimal digits", read: ServerID.number, write: ServerID.text)
    }
}
