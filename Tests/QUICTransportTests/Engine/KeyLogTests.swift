import Foundation
import Testing

@testable import QUICTransport

/// The file of TLS secrets.
@Suite struct KeyLogTests {
    /// The labels of one handshake (RFC 8446 §7.1), for whoever has to read what is on the wire; nobody else.
    @Test func secretsAreWrittenWhereTheConfigurationSays() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("keylog-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("secrets")
        try await Scene.run { scene in
            _ = try await scene.pair(configureServer: { $0.keyLogFile = file.path })
        }
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: " ")
        }
        let labels = Set(lines.map { String($0[0]) })
        #expect(
            labels.isSuperset(of: [
                "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0",
                "SERVER_TRAFFIC_SECRET_0",
            ])
        )
        for line in lines {
            #expect(line.count == 3)
            #expect(line[1].count == 64, "the client's random")
            #expect(line[2].count == 64, "a secret of SHA-256")
        }
        #expect(Set(lines.map { $0[1] }).count == 1)
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o600)
    }

    @Test func secretsThatCannotBeWrittenAreAnError() async throws {
        try await Scene.run { scene in
            await #expect(throws: QUICError.self) {
                _ = try await scene.listen(configure: { $0.keyLogFile = "/nowhere/at/all" })
            }
        }
    }
}
