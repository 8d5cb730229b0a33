import Testing

@testable import BrokerAdmin

@Suite struct AccessRuleTests {
    @Test(
        "What each role may do",
        arguments: [
            ("GET", "/clients", "vA"), ("HEAD", "/clients", "vA"), ("GET", "/users", "vA"),
            ("POST", "/publish", "pA"), ("POST", "/publish/bulk", "pA"), ("POST", "publish", "pA"),
            ("POST", "//publish/", "pA"), ("POST", "/%70ublish", "pA"), ("GET", "/publish", "vA"),
            ("POST", "/publish/bulk/x", "A"), ("POST", "/publishx", "A"), ("PUT", "/publish", "A"),
            ("DELETE", "/clients/publish", "A"), ("POST", "/clients/c/publish", "A"), ("POST", "/Publish", "A"),
            ("POST", "/logout", "vA"), ("POST", "/users/me/change_pwd", "vA"), ("POST", "/users/%6De/change_pwd", "vA"),
            ("POST", "/users/you/change_pwd", "A"), ("PUT", "/users/me/change_pwd", "A"), ("PUT", "/users/me", "A"),
            ("DELETE", "/users/me", "A"), ("POST", "/users", "A"), ("post", "/publish", "A"), ("get", "/clients", "A"),
            ("POST", "/users/me/x/change_pwd", "A"), ("POST", "/x/../publish", "A"), ("DELETE", "/logout", "A"),
        ]
    )
    func roles(method: String, path: String, allowed: String) {
        for (role, letter) in [(Role.viewer, "v"), (.publisher, "p"), (.administrator, "A")] {
            #expect(
                AccessRule.allows(role, method: method, path: path, user: "me") == allowed.contains(letter),
                "\(role)"
            )
            let refusal = AccessRule.refusal(of: Principal(.user, name: "me", role: role), method: method, path: path)
            #expect(refusal?.code == (allowed.contains(letter) ? nil : .unauthorizedRole), "\(role)")
        }
    }

    @Test("A path that cannot be decoded is for nobody")
    func undecodable() {
        #expect(!AccessRule.allows(.administrator, method: "GET", path: "/%zz", user: "me"))
        let principal = Principal(.apiKey, name: "k", role: .administrator)
        #expect(AccessRule.refusal(of: principal, method: "GET", path: "/%zz")?.code == .unauthorizedRole)
    }

    @Test(
        "API keys have no business with accounts",
        arguments: [
            ("/users", false), ("/users/admin/change_pwd", false), ("/logout", false), ("/api_key", false),
            ("/api_key/k", false), ("//users", false), ("/%75sers", false), ("/clients", true),
            ("/clients/users", true),
        ]
    )
    func keys(path: String, isOpen: Bool) {
        for role in Role.allCases {
            let code = AccessRule.refusal(of: Principal(.apiKey, name: "k", role: role), method: "GET", path: path)?
                .code
            #expect((code == .apiKeyNotAllowed) == !isOpen, "\(role)")
        }
    }
}
