import Foundation
import FuzzLaneLog
import Testing

/// Replays what the fuzzer of lanes' logs starts from and what it has found.
@Suite struct LogCorpusTests {
    static let files: [URL] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/LaneLog")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return names.sorted().map { folder.appending(path: $0) }
    }()

    @Test func hasFiles() { #expect(Self.files.count > 25) }

    @Test(arguments: files)
    func replays(_ file: URL) throws {
        let octets = try [UInt8](Data(contentsOf: file))
        #expect(throws: Never.self) { try LaneLogOracle.check(octets) }
    }
}
