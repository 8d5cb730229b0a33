import Foundation
import NIOCore
import Testing

@testable import BrokerAdmin

@Suite struct JSONWriterTests {
    private func text(_ body: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        body(&json)
        return String(buffer: json.octets)
    }

    @Test("Objects in arrays in objects, with commas between") func nesting() {
        let json = text { json in
            json.object { json in
                json.member("a", 1)
                json.member("b") { json in
                    json.array([1, 2]) { json, number in
                        json.object { $0.member("n", number) }
                    }
                }
                json.member("c", nil as String?)
                json.member("d", true)
                json.member("e") { $0.array([] as [Int]) { $0.integer($1) } }
            }
        }
        #expect(json == #"{"a":1,"b":[{"n":1},{"n":2}],"c":null,"d":true,"e":[]}"#)
    }

    /// RFC 8259 §7.
    @Test(
        "Strings come back as they were",
        arguments: ["", "plain", "a\"b\\c", "\n\r\t", "\u{0}\u{1f}", "übel 🚗", "\u{2028}"]
    )
    func strings(_ string: String) throws {
        let json = text { $0.array([string]) { $0.string($1) } }
        #expect(try JSONDecoder().decode([String].self, from: Data(json.utf8)) == [string])
    }
}
