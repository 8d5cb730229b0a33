import Foundation
import FuzzHOCONParser
import Testing

/// What the fuzzer starts from, and what it found.
@Suite struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(
            path: "Corpus/HOCONParser"
        )

    static var files: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()) ?? []
    }

    @Test(arguments: files)
    func fileHoldsWhatTheFuzzerAsks(file: String) throws {
        try HOCONParserOracle.check(Array(try Data(contentsOf: Self.folder.appending(path: file))))
    }

    @Test func corpusIsThere() {
        #expect(Self.files.contains("seed-block.conf"))
    }
}
