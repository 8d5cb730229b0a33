import Foundation
import FuzzClusterFrames
import NIOCore
import Testing

/// Replays what the fuzzer of links and lanes starts from and what it has found.
@Suite struct ClusterFramesCorpusTests {
    static let files: [URL] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Corpus/ClusterFrames")
            .standardized
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return names.sorted().map { folder.appending(path: $0) }
    }()

    @Test func hasFiles() { #expect(Self.files.count > 15) }

    @Test(arguments: files)
    func replays(_ file: URL) throws {
        let octets = ByteBuffer(bytes: try Data(contentsOf: file))
        #expect(throws: Never.self) { try ClusterFramesOracle.check(octets) }
    }
}
