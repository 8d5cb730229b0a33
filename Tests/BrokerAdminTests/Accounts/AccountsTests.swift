import BrokerCluster
import Foundation
import SecretFixture
import Testing

@testable import BrokerAdmin

@Suite struct AccountsTests {
    @Test("A header that is missing, too long or of another kind is refused as such")
    func header() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            #expect(AccountLimits().maximumAuthorization == 2_048)
            for value in [nil, "", "Digest x", "Basic ", "Bearer " + String(repeating: "x", count: 2_048)] {
                #expect(await node.refusal { try await $0.verify(value) } == .badHeader)
            }
        }
    }

    @Test("A user's name and password are no API key")
    func userByBasic() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            #expect(await node.refusal { try await $0.basic("admin", AccountsFixture.password) } == .wrongSecret)
        }
    }

    @Test("Who makes a request is asked before whether the request may be made")
    func authorizes() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            let token = try await node.signIn()
            let principal = try await node.authorize("Bearer \(token)", method: "DELETE", path: "/users/x")
            #expect(principal == AccountsFixture.admin)
            let new = try await node.createKey("k", description: "", isEnabled: true, expiresAt: nil, role: .publisher)
            let basic = "Basic " + Data("\(new.key.key):\(new.secret)".utf8).base64EncodedString()
            for (method, path, code) in [
                ("POST", "/publish", nil), ("GET", "/clients", AccountRefusal.Code.unauthorizedRole),
                ("GET", "/users", .apiKeyNotAllowed),
            ] {
                let refusal = await node.refusal { try await $0.authorize(basic, method: method, path: path) }
                #expect(refusal == code)
            }
            let wrong = await node.refusal { try await $0.authorize("Bearer x", method: "GET", path: "/clients") }
            #expect(wrong == .badToken)
        }
    }

    @Test("No secret is in a record, a file of the audit log, a refusal or a description")
    func secrecy() async throws {
        try await AccountsFixture.run { fixture in
            let audit = await AuditLog(folder: fixture.folder)
            let bootstrap = try fixture.write("boot:\(Marker.text)\n", to: "keys")
            var configured: AccountsConfiguration?
            let node = try await fixture.startedNode(audit: audit) {
                $0.defaultPassword = Marker.text
                $0.bootstrapFile = bootstrap
                configured = $0
            }
            #expect(!Marker.isShown(by: configured as Any))
            let signedIn = try await node.signIn("admin", password: Marker.text, from: "a")
            let key = try await node.createKey("k", description: "", isEnabled: true, expiresAt: nil, role: .viewer)
            _ = try await node.basic("boot", Marker.text)
            // Who types the password where the name belongs.
            #expect(await node.refusal { try await $0.signIn(Marker.text, "x") } == .wrongPassword)
            #expect(await node.refusal { try await $0.signIn("admin", Marker.text + "x") } == .wrongPassword)
            await audit.flush()

            let secrets = [Marker.text, signedIn.token, key.secret]
            var texts = Marker.descriptions(of: signedIn) + Marker.descriptions(of: key)
            texts += [
                String(decoding: try Data(contentsOf: URL(fileURLWithPath: fixture.file("audit.log"))), as: UTF8.self)
            ]
            for kind in MetaKind.allCases { texts.append(await fixture.store.text(of: kind)) }
            texts += Marker.descriptions(of: await node.listUsers()) + Marker.descriptions(of: await node.listKeys())
            do {
                _ = try await node.signIn("admin", Marker.text + "x")
            } catch {
                texts += Marker.descriptions(of: error)
            }
            for text in texts {
                #expect(!Marker.isIn(text))
                for secret in secrets { #expect(!text.contains(secret)) }
            }
            #expect(await audit.newest(10).map(\.name) == ["admin", "admin", nil, "admin"])
            #expect(await audit.newest(10).map(\.status) == [401, 401, 401, 200])
        }
    }

    @Test("Every code is EMQX's, and has a status of HTTP and a sentence")
    func codes() {
        let statuses: [(AccountRefusal.Code, Int)] = [
            (.wrongPassword, 401), (.wrongSecret, 401), (.badToken, 401), (.tokenTimeOut, 401), (.badHeader, 401),
            (.apiKeyNotAllowed, 401), (.wrongTokenOrUser, 401), (.unauthorizedRole, 403), (.userNotFound, 404),
            (.notFound, 404), (.badRequest, 400), (.notAllowed, 400), (.oldPasswordIsAnother, 400), (.conflict, 409),
            (.tooManyRequests, 429), (.unavailable, 503),
        ]
        #expect(Set(statuses.map(\.0)) == Set(AccountRefusal.Code.allCases))
        for (code, status) in statuses {
            #expect(AccountRefusal(code).status == status && !AccountRefusal(code).message.isEmpty)
        }
    }
}
