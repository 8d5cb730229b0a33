import QUICTransport
import SecretFixture
import Testing

@testable import BrokerServer

@Suite struct SecretRotationTests {
    private let old = [UInt8](repeating: 1, count: 32)
    private let new = [UInt8](repeating: 2, count: 32)

    private func prints(_ secret: [UInt8]) -> UInt64 { KeyRing.fingerprint(of: secret) }

    @Test("A newer secret is used once everybody knows it, and not before") func waits() {
        var rotation = SecretRotation([old])
        #expect(rotation.ring.rotation == KeyRing.codepoint(of: old))
        let learned = [rotation.learn([old]), rotation.learn([new, old])]
        #expect(learned == [false, true] && rotation.fingerprints == [prints(new), prints(old)])
        #expect(rotation.ring.rotation == KeyRing.codepoint(of: old))
        let early = rotation.choose { $0 == prints(old) }
        #expect(!early)
        let late = rotation.choose { _ in true }
        #expect(late && rotation.ring.rotation == KeyRing.codepoint(of: new))
        let again = rotation.choose { _ in true }
        #expect(!again)
    }

    @Test("A node that starts with two uses the older one first") func starts() {
        var rotation = SecretRotation([new, old])
        #expect(rotation.ring.rotation == KeyRing.codepoint(of: old))
        let chosen = rotation.choose { _ in true }
        #expect(chosen && rotation.ring.rotation == KeyRing.codepoint(of: new))
    }

    @Test("A secret that is gone is not used any more, and one that somebody does not know yet is kept back")
    func gone() {
        var rotation = SecretRotation([old])
        _ = rotation.learn([new])
        #expect(rotation.ring.rotation == KeyRing.codepoint(of: new))
        let back = rotation.learn([old, new])
        let chosen = rotation.choose { $0 == prints(new) }
        #expect(back && !chosen && rotation.ring.rotation == KeyRing.codepoint(of: new))
    }

    @Test("No description shows a secret") func hidden() {
        #expect(!Marker.isShown(by: SecretRotation([Marker.key, old])))
    }
}
