import Testing

@testable import BrokerConfiguration

/// Elements of a list under their numbers.
@Suite struct HOCONValueElementsTests {
    private static func value(_ text: String) throws -> HOCONValue? {
        try HOCONDocument(parsing: text, named: "t").root.fields?["a"]
    }

    @Test(arguments: [
        ("a = [x, y]", ["x", "y"]), ("a.1 = x\na.2 = y", ["x", "y"]), ("a = [x, y]\na.2 = z", ["x", "z"]),
        ("a = [x]\na.2 = y", ["x", "y"]), ("a { 1 = x }", ["x"]), ("a = []\na.1 = x", ["x"]),
        ("a.1 = x\na = [y]", ["y"]),
        ("a = [x] [y]\na.1 = z", ["z", "y"]), ("b = [x, z]\na = ${b}\na.1 = y", ["y", "z"]),
    ])
    func areFound(text: String, expected: [String]) throws {
        #expect(try Self.value(text)?.elements?.map(\.text) == expected)
    }

    @Test(arguments: [
        "a.2 = x", "a.1 = x\na.3 = y", "a = [x]\na.3 = y", "a.0 = x", "a.01 = x", "a = x", "a {}", "a.x = 1",
    ])
    func areNone(text: String) throws { #expect(try Self.value(text)?.elements == nil) }

    /// What has other keys than numbers is no change of a list's elements.
    @Test func otherObjectsReplaceAList() throws {
        #expect(try Self.value("a = [x]\na { 1 = y, b = z }")?.fields?.count == 2)
        #expect(try Self.value("a = [x]\na.b = z")?.fields?.count == 1)
    }

    @Test func elementsAreMerged() throws {
        let elements = try Self.value("a = [{ b = 1, c = 2 }, { b = 3 }]\na.1.b = 4\na.2 { d = 5 }")?.elements
        #expect(elements?.map { $0.fields?.mapValues(\.text) } == [["b": "4", "c": "2"], ["b": "3", "d": "5"]])
    }

    @Test func firstObjectMayStandWithoutNumber() throws {
        let elements = try Self.value("a { b = 1, c = 2 }\na.1.b = 3\na.2.b = 4")?.elementsOfObjects
        #expect(elements?.map { $0.fields?.mapValues(\.text) } == [["b": "3", "c": "2"], ["b": "4"]])
        #expect(try Self.value("a { b = 1, 3 { b = 2 } }")?.elementsOfObjects == nil)
        #expect(try Self.value("a { b = 1 }")?.elementsOfObjects?.count == 1)
    }

    /// A list that is changed again and again is bounded as any other work of a file.
    @Test func changesAreCounted() {
        let list = "[" + Array(repeating: "0", count: 1000).joined(separator: ",") + "]"
        let text = "l = \(list)\n" + (1...1000).map { "k\($0) = ${l}\nk\($0).1 = 1\n" }.joined()
        let error = #expect(throws: HOCONError.self) { try HOCONDocument(parsing: text, named: "t") }
        #expect(error?.message.contains("steps") == true)
    }
}
