import Testing

@testable import QUICTransport

/// The keys that come from one secret.
@Suite struct SecretKeysTests {
    /// The keys of different purposes and of different secrets have nothing in common.
    @Test func keysDiffer() {
        let secret = [UInt8](repeating: 7, count: 32)
        let keys = [SecretKeys(secret: secret), SecretKeys(secret: [UInt8](repeating: 8, count: 32))]
        let all = keys.flatMap {
            [$0.identifiers, Array($0.resets.prefix(16)), Array($0.retries.prefix(16)), Array($0.newTokens.prefix(16))]
        }
        #expect(Set(all).count == 8)
        #expect(SecretKeys(secret: secret).resets == keys[0].resets)
    }
}
