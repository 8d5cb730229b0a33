import NIOCore
import Testing

@testable import BrokerCluster

@Suite struct MetaTableTests {
    private static let key = MetaKey(.configuration, "a")

    /// A change, and the value of the key after it.
    struct Step: Sendable {
        let revision: UInt64
        let value: String?
        let hasChanged: Bool
        let after: String?
    }

    @Test(
        "The newest change counts, in whatever order they come",
        arguments: [
            [
                Step(revision: 1, value: "x", hasChanged: true, after: "x"),
                Step(revision: 2, value: "y", hasChanged: true, after: "y"),
            ],
            [
                Step(revision: 2, value: "y", hasChanged: true, after: "y"),
                Step(revision: 1, value: "x", hasChanged: false, after: "y"),
            ],
            [
                Step(revision: 1, value: "x", hasChanged: true, after: "x"),
                Step(revision: 2, value: "x", hasChanged: false, after: "x"),
            ],
            [
                Step(revision: 1, value: "x", hasChanged: true, after: "x"),
                Step(revision: 1, value: "y", hasChanged: false, after: "x"),
            ],
            [
                Step(revision: 3, value: nil, hasChanged: false, after: nil),
                Step(revision: 2, value: "x", hasChanged: false, after: nil),
            ],
            [
                Step(revision: 1, value: "", hasChanged: true, after: ""),
                Step(revision: 2, value: nil, hasChanged: true, after: nil),
            ],
        ]
    )
    func takes(steps: [Step]) {
        var table = MetaTable()
        for step in steps {
            let value = step.value.map { ByteBuffer(string: $0) }
            #expect(table.take(value, at: Self.key, revision: step.revision) == step.hasChanged)
            #expect(table.value(of: Self.key).map { String(buffer: $0) } == step.after)
            #expect(table.record(at: Self.key) == table.records(of: .configuration).first)
        }
        #expect(table.revision(of: Self.key) == steps.map(\.revision).max())
        #expect(table.octets == 1 + (steps.last?.after?.utf8.count ?? 0))
        #expect(table.counters.changes + table.counters.removals == steps.count(where: \.hasChanged))
    }

    @Test("Names that look alike are different ones")
    func names() {
        var table = MetaTable()
        _ = table.take(ByteBuffer(string: "1"), at: MetaKey(.configuration, "\u{E9}"), revision: 1)
        _ = table.take(ByteBuffer(string: "2"), at: MetaKey(.configuration, "e\u{301}"), revision: 2)
        #expect(table.count == 2)
        #expect(table.records(of: .configuration).map(\.revision) == [2, 1])
    }

    @Test("A record beyond a bound counts as removed, so that what was there before does not matter")
    func bounds() {
        var limits = MetaLimits()
        limits.maximumName = 4
        limits.maximumValue = 4
        limits.maximumOctets = 10
        var table = MetaTable(limits)
        func take(_ name: String, _ value: String?, _ revision: UInt64) -> Bool {
            table.take(value.map { ByteBuffer(string: $0) }, at: MetaKey(.configuration, name), revision: revision)
        }
        #expect(take("a", "1234", 1))
        #expect(take("a", "12345", 2) && table.count == 0)
        #expect(take("a", "1234", 3) && table.octets == 5)
        #expect(!take("abcde", "1", 4) && table.octets == 5)
        #expect(take("b", "1234", 5) && table.octets == 10)
        #expect(!take("c", nil, 6) && !take("c", "", 7) && table.octets == 10)
        #expect(table.refusal(of: ByteBuffer(string: "1"), at: MetaKey(.configuration, "c")) == .tooMuch(maximum: 10))
        #expect(table.refusal(of: ByteBuffer(string: "1"), at: MetaKey(.configuration, "b")) == nil)
        #expect(take("a", nil, 8) && take("c", "1", 9) && table.octets == 8)
        #expect(table.counters.refused == 4)
    }
}
