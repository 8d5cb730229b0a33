import Crypto
import Foundation
import Testing

@testable import NATSClient

@Suite struct UserKeyTests {
    // An example of NATS's documentation.
    private static let seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
    private static let known = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"

    @Test("A seed has the public key that NATS's documentation says") func publicText() throws {
        #expect(try #require(UserKey(seed: Self.seed)).publicText == Self.known)
    }

    @Test("A nonce is signed so that the public key verifies it") func signature() throws {
        let key = try #require(UserKey(seed: Self.seed))
        let text = try #require(key.signature(of: "nonce-1"))
        #expect(text.count == 86 && !text.contains("=") && !text.contains("+") && !text.contains("/"))
        let base64 = text.replacing("-", with: "+").replacing("_", with: "/") + "=="
        let octets = try #require(Base32.octets(of: Self.known))
        let verifier = try Curve25519.Signing.PublicKey(rawRepresentation: octets[1..<33])
        let signature = try #require(Data(base64Encoded: base64))
        #expect(verifier.isValidSignature(signature, for: Data("nonce-1".utf8)))
        #expect(!verifier.isValidSignature(signature, for: Data("nonce-2".utf8)))
    }

    @Test("What is no seed of a user is refused") func refused() throws {
        let account = NKeyPair(.account).seed
        let changed = Self.seed.dropLast() + "Z"
        for text in ["", "SU", Self.known, account, String(changed), Self.seed + "A", Self.seed.lowercased()] {
            #expect(UserKey(seed: text) == nil, "\(text)")
        }
        for byte in 0..<Self.seed.count {
            var letters = Array(Self.seed)
            letters[byte] = letters[byte] == "A" ? "B" : "A"
            #expect(UserKey(seed: String(letters)) == nil, "the checksum finds a wrong letter at \(byte)")
        }
    }

    @Test("No description shows the seed") func hidden() throws {
        let key = try #require(UserKey(seed: Self.seed))
        var dumped = ""
        dump(Credentials.certified(jwt: "open", key), to: &dumped)
        dump(key, to: &dumped)
        #expect("\(key)" == "UserKey" && dumped.count < 60 && !dumped.contains("open"), "\(dumped)")
    }
}
