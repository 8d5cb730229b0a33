import Foundation
import FuzzNATSVerbs
import NIOCore
import Testing

/// Replays what the fuzzer of NATS's verbs starts from and what it has found.
@Suite struct VerbCorpusTests {
    static let files: [URL] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Corpus/NATSVerbs")
            .standardized
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return names.sorted().map { folder.appending(path: $0) }
    }()

    @Test func hasFiles() { #expect(Self.files.count > 35) }

    @Test(arguments: files)
    func replays(_ file: URL) throws {
        let octets = ByteBuffer(bytes: try Data(contentsOf: file))
        #expect(throws: Never.self) { try NATSVerbsOracle.check(octets) }
    }
}
