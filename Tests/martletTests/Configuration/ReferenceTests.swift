import BrokerConfiguration
import Foundation
import Testing

@testable import martlet

/// `docs/configuration.md` lists every key. `UPDATE_REFERENCE=1 swift test --filter ReferenceTests` writes its tables
/// anew.
@Suite struct ReferenceTests {
    private static let document = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
        .appendingPathComponent("docs/configuration.md")

    private static let keys = ServerSettings.section.describe(ServerSettings())
    private static var values: String { ReferenceTable.values(keys) }
    private static var emqx: String { ReferenceTable.ofEMQX(keys) }

    @Test func documentHasTheTablesOfAllKeys() throws {
        var text = try String(contentsOf: Self.document, encoding: .utf8)
        if ProcessInfo.processInfo.environment["UPDATE_REFERENCE"] != nil {
            for table in [Self.values, Self.emqx] {
                guard let head = table.firstIndex(of: "\n"), let start = text.range(of: table[...head])?.lowerBound
                else {
                    Issue.record("the document has no table with the head \(table.prefix(60))")
                    continue
                }
                let end = text.range(of: "\n\n", range: start..<text.endIndex)?.lowerBound ?? text.endIndex
                text.replaceSubrange(start..<end, with: end == text.endIndex ? table : String(table.dropLast()))
            }
            return try Data(text.utf8).write(to: Self.document)
        }
        for table in [Self.values, Self.emqx] {
            #expect(text.contains("\n\n" + table), "run UPDATE_REFERENCE=1 swift test --filter ReferenceTests")
        }
    }

    @Test func everyKeyIsDescribed() {
        #expect(Self.keys.count > 80)
        #expect(Set(Self.keys.map(\.key)).count == Self.keys.count)
        for key in Self.keys {
            #expect(key.summary.hasSuffix("."), "\(key.key)")
            #expect(!key.allowed.isEmpty && !key.byDefault.isEmpty, "\(key.key)")
        }
    }

    /// The examples of the document can be read.
    @Test func examplesAreRead() throws {
        let text = try String(contentsOf: Self.document, encoding: .utf8)
        let examples = text.components(separatedBy: "```hocon\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        #expect(examples.count >= 4)
        for example in examples { _ = try load(example) }
    }
}
