/// The rule for passwords of users: 8 to 64 printable characters of ASCII, of two kinds among letters, digits and others.
enum PasswordRule {
    static let maximum = 64

    static let sentence =
        "a password has 8 to 64 characters of ASCII, and two of: letters, digits, other characters"

    static func allows(_ password: String) -> Bool {
        guard (8...maximum).contains(password.utf8.count),
            password.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return false }
        let hasLetter = password.utf8.contains(where: NameRule.isLetter)
        let hasDigit = password.utf8.contains(where: NameRule.isDigit)
        let hasOther = password.utf8.contains { !NameRule.isLetter($0) && !NameRule.isDigit($0) }
        return [hasLetter, hasDigit, hasOther].count { $0 } >= 2
    }
}
