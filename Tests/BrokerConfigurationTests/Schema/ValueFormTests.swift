import FuzzHOCONParser
import Testing

@testable import BrokerConfiguration

@Suite struct ValueFormTests {
    private static func read<Value>(_ form: ValueForm<Value>, _ text: String) throws -> Value? {
        let value = try HOCONDocument(parsing: "a = \(text)", named: "t").root.fields?["a"]
        return form.read(try #require(value))
    }

    @Test(arguments: [
        ("15s", 15_000), ("100ms", 100), ("1h30m", 5_400_000), ("1.5s", 1500), ("2000", 2000), ("1m30s", 90_000),
        ("\"15 s\"", 15_000), ("1H", 3_600_000), ("1d", 86_400_000),
    ])
    func durations(text: String, milliseconds: Int) throws {
        #expect(try Self.read(.duration(.zero ... .seconds(1_000_000)), text) == .milliseconds(milliseconds))
    }

    @Test(arguments: ["1x", "s", "-5s", "1h30", ".", "1..5s", "9e99d", "99999999999999999999999d", "\"\"", "٣s"])
    func wrongDurations(text: String) throws {
        #expect(try Self.read(.duration(.zero ... .seconds(1_000_000)), text) == nil)
    }

    @Test(arguments: [
        ("1MB", 1_048_576), ("1MiB", 1_048_576), ("512kb", 524_288), ("1.5K", 1536), ("100B", 100), ("100", 100),
        ("\"2 MB\"", 2_097_152), ("256MB", 268_435_456),
    ])
    func sizes(text: String, bytes: Int) throws { #expect(try Self.read(.size(1...268_435_456), text) == bytes) }

    @Test(arguments: [
        "0", "257MB", "1.5", "1.5B", "-1KB", "1ZB", "99999999999999999999GB", "9999999999999GB", "\"\"", "[1]",
    ])
    func wrongSizes(text: String) throws { #expect(try Self.read(.size(1...268_435_456), text) == nil) }

    @Test func noLimitHasSeveralWords() throws {
        let form = ValueForm<Int>.integer(1...Int.max).orNoLimit("infinity", "0", as: .max)
        for text in ["0", "infinity", "\"0\""] { #expect(try Self.read(form, text) == .max) }
        for text in ["-1", "none", "00"] { #expect(try Self.read(form, text) == nil) }
        #expect(form.write(.max) == "infinity" && form.write(5) == "5")
        #expect(form.allowed == "a whole number, at least 1, or infinity or 0 for no limit")
        let size = ValueForm<Int>.sizeOrNoLimit(writing: "0")
        for text in ["0", "infinity", "0MB", "0b"] { #expect(try Self.read(size, text) == .max) }
        #expect(try Self.read(size, "1KB") == 1024)
        #expect(try Self.read(size, "-1") == nil)
        #expect(size.write(.max) == "0" && size.write(1024) == "\"1KB\"")
    }

    @Test func wordsAreMappedBothWays() throws {
        let form = ValueForm<Int?>.choice(["off": nil, "one": 1, "single": 1])
        #expect(try Self.read(form, "off") == .some(nil))
        #expect(try Self.read(form, "single") == 1)
        #expect(try Self.read(form, "two") == nil)
        #expect(form.write(1) == "one" && form.write(nil) == "off")
        let mapped = ValueForm<Int>.integer(0...2).mapped({ $0 == 1 ? nil : "\($0)" }, from: { Int($0) ?? 0 })
        #expect(try Self.read(mapped, "2") == "2" && mapped.write("2") == "2")
        #expect(try Self.read(mapped, "1") == nil)
    }

    @Test(arguments: ["[a, b]", "\"a,b\"", "\"a:b\"", "\"a, b\"", "{ 1 = a, 2 = b }", "[\"a\", \"b\"]"])
    func lists(text: String) throws {
        #expect(try Self.read(ValueForm<[Int]>.list(of: ["a": 1, "b": 2]), text) == [1, 2])
    }

    @Test(arguments: ["[]", "\"\"", "[a, a]", "[a, c]", "a b", "{ 2 = a }", "[[a]]"])
    func wrongLists(text: String) throws {
        #expect(try Self.read(ValueForm<[Int]>.list(of: ["a": 1, "b": 2]), text) == nil)
    }
}
