import Foundation
import Testing

@testable import BrokerCluster

@Suite struct Base64URLTests {
    @Test("The text is that of RFC 4648 §5, and no other text has the same octets")
    func isThatOfFoundation() {
        var random = SeededGenerator(seed: 3)
        for length in 0..<50 {
            let octets = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            let text = Base64URL.text(of: octets)
            let padded = Data(octets).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            #expect(text == padded.replacing("=", with: ""))
            #expect(Base64URL.octets(of: text) == octets)
        }
        for text in ["A", "AAAAA", "YR", "YWJ", "Y=", "+A", "é"] {
            #expect(Base64URL.octets(of: text) == nil, "\(text)")
        }
    }
}
