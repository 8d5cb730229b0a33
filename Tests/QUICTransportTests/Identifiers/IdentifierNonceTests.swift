import Testing

@testable import QUICTransport

/// The nonces of connection identifiers.
@Suite struct IdentifierNonceTests {
    @Test func noncesCountFromARandomStart() {
        var nonce = IdentifierNonce(counter: 1 << 48 - 1)
        let (counter, random) = nonce.next()
        #expect(counter == 0)
        #expect(random < 1 << 40)
        #expect(nonce.next().counter == 1)
        #expect(Set((0..<100).map { _ in IdentifierNonce().counter }).count == 100)
    }
}
