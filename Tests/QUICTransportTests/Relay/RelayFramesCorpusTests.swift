import Foundation
import FuzzRelayFrames
import Testing

/// Replays what the fuzzer of relay frames starts from and what it has found.
@Suite struct RelayFramesCorpusTests {
    static let files: [URL] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Corpus/RelayFrames")
            .standardized
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return names.sorted().map { folder.appending(path: $0) }
    }()

    @Test func hasFiles() { #expect(Self.files.count > 15) }

    @Test(arguments: files)
    func replays(_ file: URL) throws {
        let octets = [UInt8](try Data(contentsOf: file))
        #expect(throws: Never.self) { try RelayFramesOracle.check(octets) }
    }
}
