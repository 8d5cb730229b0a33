import BrokerConfiguration
import Foundation
import Testing

/// What the fuzzer starts from, and what it found: each file is read or refused, and what is read can be printed and
/// read back.
@Suite struct CorpusTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "Corpus"
    )

    static var files: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()) ?? []
    }

    @Test(arguments: files)
    func isReadOrRefused(file: String) throws {
        let bytes = Array(try Data(contentsOf: Self.folder.appendingPathComponent(file)))
        let load = { (text: [UInt8]) in
            try ConfigurationSources(file: "fuzz.conf", environment: ["HOME": "/home"], read: { _, _ in text }).load()
        }
        guard let loaded = try? load(bytes) else { return }
        #expect(try load(Array(loaded.text.utf8)).configuration == loaded.configuration)
    }

    @Test func corpusIsThere() {
        #expect(Self.files.contains("seed-block.conf"))
    }
}
