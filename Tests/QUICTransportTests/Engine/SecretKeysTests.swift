import SecretFixture
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

    /// Codepoints and fingerprints are of the secret alone, and some secrets have the same codepoint.
    @Test func secretsHaveCodepoints() {
        let secrets = (0..<100).map { [UInt8](repeating: $0, count: 32) }
        #expect(Set(secrets.map { KeyRing.codepoint(of: $0) }) == Set(0...6))
        #expect(Set(secrets.map { KeyRing.fingerprint(of: $0) }).count == 100)
        let ring = KeyRing(issuing: secrets[1], of: [secrets[0], secrets[1]])
        #expect(ring.rotation == KeyRing.codepoint(of: secrets[1]))
        #expect(ring.issuing.resets == SecretKeys(secret: secrets[1]).resets)
        #expect(ring[KeyRing.codepoint(of: secrets[0])]?.resets == SecretKeys(secret: secrets[0]).resets)
    }

    @Test func descriptionsShowNoKey() {
        let ring = KeyRing(secret: Marker.key, rotation: 1, others: [2: Marker.key])
        let tokens = AddressTokens(QUICRetryConfiguration(), ring: ring)
        for value in [ring, ring.issuing, ring.issuing.mask, tokens] as [Any] {
            for description in Marker.descriptions(of: value) {
                for octet in [ring.issuing.identifiers, ring.issuing.retries].map({ "\($0[0]), \($0[1]), \($0[2])" }) {
                    #expect(!description.contains(octet))
                }
                #expect(!description.contains("\(ring.issuing.mask.keys.0)"))
                #expect(!description.contains("[\(ring.issuing.retries[0])"))
            }
        }
        #expect("\(ring)" == "KeyRing(rotation: 1, issuing: SecretKeys, others: [2: SecretKeys])")
    }
}
