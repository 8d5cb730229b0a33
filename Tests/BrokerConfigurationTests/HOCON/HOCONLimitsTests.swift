import BrokerConfiguration
import Testing

/// Files that were made to hang or to crash their reader end in an error.
@Suite struct HOCONLimitsTests {
    private func message(_ text: String) -> String {
        do {
            _ = try HOCONDocument(parsing: text, named: "t")
            return "read without an error"
        } catch {
            return error.message
        }
    }

    @Test func sizeIsBounded() {
        #expect(message("a = " + String(repeating: "x", count: 1 << 20)).hasPrefix("the configuration is larger than"))
    }

    @Test(arguments: [
        "a = " + String(repeating: "[", count: 100_000),
        String(repeating: "a {", count: 100_000),
        String(repeating: "{a:", count: 100_000),
        "a = " + String(repeating: "{b = [", count: 100_000),
        String(repeating: "a.", count: 100_000) + "a = 1",
        "x = ${" + String(repeating: "a.", count: 100_000) + "a}",
    ])
    func nestingIsBounded(text: String) {
        #expect(message(text).hasPrefix("objects, lists and dotted keys nest deeper than 32 levels"))
    }

    @Test func deepestNestingIsRead() {
        #expect(
            message("a = " + String(repeating: "[", count: 31) + String(repeating: "]", count: 31))
                == "read without an error"
        )
    }

    /// Each key doubles the one before it, as text, list, object and by `+=`.
    @Test(arguments: ["${K}${K}", "[${K}, ${K}]", "${K} ${K}", "{ x = ${K}, y = ${K} }"])
    func doublingIsBounded(form: String) {
        var text = form.hasPrefix("${K} ") ? "k0 = [x]\n" : "k0 = x\n"
        for index in 1...60 { text += "k\(index) = \(form.replacing("K", with: "k\(index - 1)"))\n" }
        let message = message(text)
        #expect(
            message.contains("steps to resolve") || message.contains("longer than") || message.contains("deeper than")
        )
    }

    @Test func chainsOfReferencesAreBounded() {
        var text = "k0 = x\n"
        for index in 1...5000 { text += "k\(index) = ${k\(index - 1)}\n" }
        #expect(message(text) == "values and references nest deeper than 64 levels")
    }

    /// A large object is laid over itself again and again.
    @Test(arguments: ["b = ${?b}", "b = ${?b} { z += 1 }", "b = ${?b}, b.x.z = 1"])
    func mergesAreBounded(line: String) {
        let keys = (0..<10_000).map { "k\($0)=1" }.joined(separator: ",")
        let text = "b.x {\(keys)}\n" + String(repeating: line + "\n", count: 10_000)
        #expect(message(text).contains("steps to resolve"))
    }

    @Test func manyAppendsAreRead() throws {
        let text = String(repeating: "a += 1\n", count: 2000)
        let root = try HOCONDocument(parsing: text, named: "t").root
        guard case .list(let elements)? = root.value(at: ["a"])?.content else {
            Issue.record("not a list")
            return
        }
        #expect(elements.count == 2000)
    }

    @Test func manyKeysAndMergesAreRead() throws {
        let text = (0..<20_000).map { "a.b\($0 % 5000).c\($0) = \($0)" }.joined(separator: "\n")
        #expect(try HOCONDocument(parsing: text, named: "t").root.value(at: ["a"])?.fields?.count == 5000)
    }
}
