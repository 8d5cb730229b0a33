import Testing

@testable import NATSClient

@Suite struct Base32Tests {
    @Test("The vectors of RFC 4648 §10, without their padding") func vectors() {
        let vectors = [
            "": "", "f": "MY", "fo": "MZXQ", "foo": "MZXW6", "foob": "MZXW6YQ", "fooba": "MZXW6YTB",
            "foobar": "MZXW6YTBOI",
        ]
        for (octets, text) in vectors {
            #expect(Base32.text(of: octets.utf8) == text)
            #expect(Base32.octets(of: text) == Array(octets.utf8))
        }
    }

    @Test(
        "Other characters, and bits that are nobody's, are refused",
        arguments: ["M", "MZ", "my", "MY======", "M1", "MZX"]
    )
    func refused(_ text: String) { #expect(Base32.octets(of: text) == nil) }
}
