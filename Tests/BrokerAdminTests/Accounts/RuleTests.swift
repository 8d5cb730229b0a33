import Testing

@testable import BrokerAdmin

@Suite struct RuleTests {
    @Test(
        "Names of users",
        arguments: [
            ("admin", true), ("_", true), ("9", true), ("A_b9", true), (String(repeating: "a", count: 256), true),
            (String(repeating: "a", count: 257), false), ("", false), ("a-b", false), ("a b", false), ("é", false),
            ("a\u{0}", false), ("a\n", false), ("a/b", false), ("@", false), ("[", false), ("`", false), ("{", false),
        ]
    )
    func userNames(name: String, isName: Bool) {
        #expect(NameRule.isUser(name, maximum: AccountLimits().maximumName) == isName)
    }

    @Test(
        "Names of API keys",
        arguments: [
            ("a", true), ("A9-_", true), (String(repeating: "a", count: 256), true),
            (String(repeating: "a", count: 257), false), ("", false), ("9a", false), ("_a", false), ("-a", false),
            ("a b", false), ("aé", false), ("a.b", false), ("a\n", false),
        ]
    )
    func keyNames(name: String, isName: Bool) {
        #expect(NameRule.isKey(name, maximum: AccountLimits().maximumName) == isName)
    }

    @Test(
        "Passwords",
        arguments: [
            ("abcdefg1", true), ("abcdefg!", true), ("1234567!", true), ("abcdef1", false), ("abcdefgh", false),
            ("12345678", false), ("!!!!!!!!", false), ("abcdefgé1", false), ("abcdefg\t1", false), ("public", false),
            (String(repeating: "a", count: 63) + "1", true), (String(repeating: "a", count: 64) + "1", false),
        ]
    )
    func passwords(password: String, isAllowed: Bool) { #expect(PasswordRule.allows(password) == isAllowed) }
}
