import Foundation
import FuzzPacketDecoder
import MQTTCodec
import NIOCore
import Testing

/// Replays what the fuzzer starts from and what it has found.
@Suite struct PacketCorpusTests {
    static let files: [URL] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/PacketDecoder")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return names.sorted().map { folder.appending(path: $0) }
    }()

    @Test func hasFiles() { #expect(Self.files.count > 30) }

    @Test(arguments: files)
    func replays(_ file: URL) throws {
        let octets = ByteBuffer(bytes: try Data(contentsOf: file))
        #expect(throws: Never.self) { try PacketDecoderOracle.check(octets) }
    }
}
