import BrokerCluster
import Foundation
import NIOCore
import Testing

@testable import BrokerServer

@Suite struct MetaFileTests {
    private static func inFolder(_ body: (DataFolder) async throws -> Void) async throws {
        let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(try DataFolder(path: path))
    }

    private static func values(_ file: MetaFile) async -> [String: String] {
        let records = await file.records(of: .configuration)
        return Dictionary(uniqueKeysWithValues: records.map { ($0.key.text, String(buffer: $0.value)) })
    }

    @Test("What is set is there after a restart, for the file's owner alone, and the last revision counts")
    func kept() async throws {
        try await Self.inFolder { folder in
            let file = try folder.metaFile()
            #expect(await file.records(of: .configuration).isEmpty)
            let (first, second) = (MetaKey(.configuration, "a"), MetaKey(.configuration, "b é\u{0}"))
            #expect(try await file.write(ByteBuffer(string: "1"), at: first, expecting: nil) == 1)
            #expect(try await file.write(ByteBuffer(bytes: [0xFF, 0]), at: second, expecting: 0) == 2)
            #expect(try await file.write(ByteBuffer(string: "2"), at: first, expecting: 1) == 3)
            await #expect(throws: MetaFailure.conflict(revision: 3)) {
                try await file.write(ByteBuffer(string: "4"), at: first, expecting: 1)
            }
            await #expect(throws: MetaFailure.valueTooLong(maximum: 16_384)) {
                try await file.write(ByteBuffer(repeating: 1, count: 16_385), at: first, expecting: nil)
            }
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.file(MetaFile.name))
            #expect(attributes[.posixPermissions] as? Int == 0o600)

            let again = try folder.metaFile()
            #expect(await again.records(of: .configuration) == file.records(of: .configuration))
            #expect(await again.record(at: second)?.revision == 2)
            #expect(await again.record(at: MetaKey(.user, "a")) == nil)
            #expect(try await again.write(nil, at: first, expecting: 3) == 4)
            #expect(await Self.values(try folder.metaFile()).keys.sorted() == ["b é\u{0}"])
        }
    }

    @Test("Records of kinds that a later version has are kept")
    func foreign() async throws {
        try await Self.inFolder { folder in
            let json = #"{"revision":5,"records":[{"kind":"ban","name":"x","revision":4,"value":"y"}]}"#
            try folder.write(Array(json.utf8), to: MetaFile.name)
            let file = try folder.metaFile()
            #expect(await file.records(of: .configuration).isEmpty)
            let key = MetaKey(.configuration, "a")
            #expect(try await file.write(ByteBuffer(string: "1"), at: key, expecting: nil) == 6)
            #expect(String(decoding: try folder.read(MetaFile.name), as: UTF8.self).contains("\"ban\""))
        }
    }

    @Test(
        "A damaged file is an error that names it",
        arguments: [
            "", "{", "[]", #"{"revision":1}"#,
            #"{"revision":1,"records":[{"kind":"config","name":"a","revision":2,"value":"x"}]}"#,
            #"{"revision":1,"records":[{"kind":"config","name":"a","revision":0,"value":"x"}]}"#,
            #"{"revision":1,"records":[{"kind":"config","name":"a","revision":1}]}"#,
            #"{"revision":1,"records":[{"kind":"config","name":"","revision":1,"value":"x"}]}"#,
            #"{"revision":-1,"records":[]}"#, #"{"revision":18446744073709551615,"records":[]}"#,
        ]
    )
    func damaged(text: String) async throws {
        try await Self.inFolder { folder in
            try folder.write(Array(text.utf8), to: MetaFile.name)
            #expect {
                try folder.metaFile()
            } throws: { error in
                "\(error)".hasPrefix("node.data_dir: \(folder.path)/runtime.json is damaged")
            }
        }
    }

    @Test("What cannot be written is not in force")
    func unwritable() async throws {
        try await Self.inFolder { folder in
            let file = try folder.metaFile()
            // Nothing takes the place of a folder.
            try FileManager.default.createDirectory(
                atPath: folder.file(MetaFile.name),
                withIntermediateDirectories: true
            )
            await #expect(throws: MetaFailure.self) {
                try await file.write(ByteBuffer(string: "1"), at: MetaKey(.configuration, "a"), expecting: nil)
            }
            #expect(await file.records(of: .configuration).isEmpty)
        }
    }
}
