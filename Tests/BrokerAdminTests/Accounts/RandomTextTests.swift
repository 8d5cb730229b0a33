import Testing

@testable import BrokerAdmin

@Suite struct RandomTextTests {
    @Test("Octets in base 62, hexadecimal and base64url")
    func texts() {
        #expect(RandomText.base62([0, 61]) == "00z")
        #expect(RandomText.base62([0, 62]) == "010")
        #expect(RandomText.base62([0xFF, 0xFF]) == "H31")
        #expect(RandomText.base62([UInt8](repeating: 0, count: 32)) == String(repeating: "0", count: 43))
        #expect(RandomText.base62([UInt8](repeating: 0xFF, count: 32)).utf8.count == 43)
        #expect(RandomText.hexadecimal([0, 0x0F, 0xA0]) == "000fa0")
        #expect(RandomText.base64URL([0xFB, 0xFF]) == "-_8")
        #expect(RandomText.octets(base64URL: "-_8") == [0xFB, 0xFF])
        for text in ["+/8", "-_8=", "-_9", "-", "é", "-_8\n", "- _8"] {
            #expect(RandomText.octets(base64URL: text) == nil, "\(text)")
        }
    }

    @Test("Random octets and letters are as many as asked for, and others each time")
    func random() {
        #expect([0, 1, 8, 16, 32].map { RandomText.octets($0).count } == [0, 1, 8, 16, 32])
        #expect(RandomText.octets(32) != RandomText.octets(32))
        let letters = RandomText.letters(2_000)
        #expect(letters.utf8.count == 2_000 && Set(letters.utf8).count == 62)
    }
}
