import Foundation
import FuzzQUICTransport
import NIOCore
import Testing

@testable import QUICTransport

/// What `scripts/fuzz` starts from, and what it has found, holds in ordinary tests.
@Suite struct NullProtectedEndpointTests {
    @Test func corpusHolds() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Corpus/QUICTransport")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(files.count > 20)
        for file in files {
            #expect(throws: Never.self, "\(file.lastPathComponent)") {
                try QUICTransportOracle.shared.get().check([UInt8](Data(contentsOf: file)))
            }
        }
    }

    /// What the fuzzer makes up becomes frames of a live connection.
    @Test func framesReachTheUser() async throws {
        try await Scene.run { scene in
            let recorder = Recorder()
            let null = try NullProtectedEndpoint(loop: scene.loop) { _ in recorder }
            let connection = try #require(null.connect(fromPort: 4_000))
            // STREAM frames with offset, length and, in the second, FIN (RFC 9000 §19.8).
            null.receive(null.shortPacket(to: connection, frames: [0x0e, 0, 0, 2] + Array("he".utf8)), fromPort: 4_000)
            null.receive(
                null.shortPacket(to: connection, frames: [0x0f, 0, 2, 3] + Array("llo".utf8)),
                fromPort: 4_000
            )
            #expect(recorder.text(0) == "hello")
            #expect(recorder.finished == [0])
            // A reserved frame type is a FRAME_ENCODING_ERROR (RFC 9000 §12.4).
            null.receive(null.shortPacket(to: connection, frames: [0x3f, 0x3f, 0, 0]), fromPort: 4_000)
            guard case .transport(by: .local, 0x7, _)? = recorder.reason else {
                Issue.record("\(String(describing: recorder.reason))")
                return
            }
            #expect(null.endAll() == nil)
        }
    }

    @Test func randomOctetsHold() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let octets = (0..<Int.random(in: 0..<400, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect(throws: Never.self, "\(octets)") { try QUICTransportOracle.shared.get().check(octets) }
        }
    }
}
