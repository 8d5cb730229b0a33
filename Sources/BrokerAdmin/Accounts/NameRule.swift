/// The rules for names of accounts.
enum NameRule {
    /// `[_a-zA-Z0-9]+`
    static func isUser(_ name: String, maximum: Int) -> Bool {
        (1...maximum).contains(name.utf8.count)
            && name.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "_") }
    }

    /// `[A-Za-z]+[A-Za-z0-9-_]*`
    static func isKey(_ name: String, maximum: Int) -> Bool {
        guard let first = name.utf8.first, isLetter(first), name.utf8.count <= maximum else { return false }
        return name.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
    }

    static func isLetter(_ octet: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(octet | 0x20)
    }

    static func isDigit(_ octet: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) }

    private static func isAlphanumeric(_ octet: UInt8) -> Bool { isLetter(octet) || isDigit(octet) }
}
