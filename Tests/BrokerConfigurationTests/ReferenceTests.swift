import BrokerConfiguration
import Foundation
import Testing

/// `docs/configuration.md` lists every key. `UPDATE_REFERENCE=1 swift test --filter ReferenceTests` writes its table
/// anew.
@Suite struct ReferenceTests {
    private static let heading = "## All keys\n"

    private static let document = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("docs/configuration.md")

    @Test func documentEndsWithTheTableOfAllKeys() throws {
        let text = try String(contentsOf: Self.document, encoding: .utf8)
        if ProcessInfo.processInfo.environment["UPDATE_REFERENCE"] != nil,
            let start = text.range(of: "| key | default |")
        {
            let updated = text[..<start.lowerBound] + BrokerConfiguration.referenceTable
            return try Data(updated.utf8).write(to: Self.document)
        }
        #expect(text.contains(Self.heading))
        #expect(
            text.hasSuffix(BrokerConfiguration.referenceTable),
            "run UPDATE_REFERENCE=1 swift test --filter ReferenceTests"
        )
    }

    @Test func everyKeyIsDescribed() {
        let keys = BrokerConfiguration.reference
        #expect(keys.count > 80)
        #expect(Set(keys.map(\.key)).count == keys.count)
        for key in keys {
            #expect(key.summary.hasSuffix("."), "\(key.key)")
            #expect(!key.allowed.isEmpty && !key.byDefault.isEmpty, "\(key.key)")
        }
    }

    /// What the documents show can be read.
    @Test func examplesAreRead() throws {
        let text = try String(contentsOf: Self.document, encoding: .utf8)
        let examples = text.components(separatedBy: "```hocon\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        #expect(examples.count == 4)
        for example in examples { _ = try load(example) }
    }
}
