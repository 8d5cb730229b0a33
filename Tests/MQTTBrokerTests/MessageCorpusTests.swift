import Foundation
import FuzzShardMessages
import NIOCore
import Testing

/// Replays what the fuzzer of messages between nodes starts from and what it has found.
@Suite struct MessageCorpusTests {
    static let files: [URL] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/ShardMessages")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return names.sorted().map { folder.appending(path: $0) }
    }()

    @Test func hasFiles() { #expect(Self.files.count > 20) }

    @Test(arguments: files)
    func replays(_ file: URL) throws {
        let octets = try ByteBuffer(bytes: Data(contentsOf: file))
        #expect(throws: Never.self) { try ShardMessagesOracle.check(octets) }
    }
}
