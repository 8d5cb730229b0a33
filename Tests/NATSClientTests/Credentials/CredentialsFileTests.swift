import Testing

@testable import NATSClient

@Suite struct CredentialsFileTests {
    private let pair = NKeyPair(.user)

    @Test("The JWT and the seed are found as nsc writes them", arguments: ["\n", "\r\n"]) func read(_ newline: String)
        throws
    {
        let text = pair.credentials(jwt: "head.body.tail").replacing("\n", with: newline)
        let key = try #require(UserKey(seed: pair.seed))
        #expect(CredentialsFile(text)?.credentials == .certified(jwt: "head.body.tail", key))
    }

    @Test("A file without one of the two is refused") func refused() {
        let text = pair.credentials(jwt: "head.body.tail")
        let other = pair.credentials(jwt: "head.body.tail").replacing(pair.seed, with: NKeyPair(.account).seed)
        for text in ["", pair.seed, text.replacing("JWT", with: "XYZ"), text.replacing("SEED", with: "XYZ"), other] {
            #expect(CredentialsFile(text) == nil)
        }
    }
}
