import SecretFixture
import Testing

@testable import BrokerAdmin

@Suite struct VerifiedSecretsTests {
    @Test("A secret is known for the revision of its record")
    func revision() {
        var secrets = VerifiedSecrets(maximum: 2)
        func knows(_ secret: String, _ name: String, _ revision: UInt64) -> Bool {
            secrets.contains(secret, of: name, revision: revision)
        }
        secrets.insert(Marker.text, of: "a", revision: 3)
        #expect(knows(Marker.text, "a", 3))
        #expect(!knows(Marker.text, "a", 4))
        #expect(!knows(Marker.text + "x", "a", 3))
        #expect(!knows(Marker.text, "b", 3))
        #expect(!Marker.isShown(by: secrets))
        secrets.remove("a")
        #expect(!knows(Marker.text, "a", 3))
    }

    @Test("Beyond the bound that one goes which was not used for the longest time")
    func bound() {
        var secrets = VerifiedSecrets(maximum: 2)
        func knows(_ secret: String, _ name: String, _ revision: UInt64) -> Bool {
            secrets.contains(secret, of: name, revision: revision)
        }
        secrets.insert("x", of: "a", revision: 1)
        secrets.insert("x", of: "b", revision: 1)
        #expect(knows("x", "a", 1))
        secrets.insert("x", of: "c", revision: 1)
        #expect(secrets.count == 2)
        #expect(knows("x", "a", 1) && knows("x", "c", 1))
        #expect(!knows("x", "b", 1))
        #expect(AccountLimits().maximumVerifiedSecrets == 256)
    }
}
