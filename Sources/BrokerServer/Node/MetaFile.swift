package import BrokerCluster
import Foundation
import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix

/// The records that a node by itself keeps of what is set at run time, in a file of its data folder: what the meta lane is in a cluster.
package final class MetaFile: MetaStore {
    private let folder: DataFolder
    private let content: NIOLockedValueBox<Content>
    /// Held while a change is written, so that nobody who reads waits for the disk.
    private let writing = NIOLock()

    package static let name = "runtime.json"

    /// Revisions are lower, so that there is always a higher one.
    private static let highestRevision: UInt64 = 1 << 62

    private struct Content {
        var table: MetaTable
        /// Of the last change.
        var revision: UInt64
        /// Records of kinds that a later version has, which are kept as they are.
        var foreign: [Form.Record] = []
    }

    // MARK: The file

    /// The file as JSON.
    private struct Form: Codable {
        let revision: UInt64
        let records: [Record]

        struct Record: Codable, Sendable {
            let kind: String
            let name: String
            let revision: UInt64
            /// `nil` for octets that are no text.
            let value: String?
            let octets: Data?
        }
    }

    /// Reads the file, if there is one.
    ///
    /// - Throws: `DataFolder.Failure` for a file that cannot be read.
    init(_ folder: DataFolder, _ limits: MetaLimits = MetaLimits()) throws {
        self.folder = folder
        content = NIOLockedValueBox(try Self.read(folder, limits))
    }

    private static func read(_ folder: DataFolder, _ limits: MetaLimits) throws -> Content {
        let path = folder.file(name)
        guard FileManager.default.fileExists(atPath: path) else {
            return Content(table: MetaTable(limits), revision: 0)
        }
        guard let form = try? JSONDecoder().decode(Form.self, from: Data(try folder.read(name))),
            let content = content(form, limits)
        else {
            throw DataFolder.Failure(
                description:
                    "node.data_dir: \(path) is damaged and does not say what was set at run time; restore it, or delete it, and the values of the configuration hold"
            )
        }
        return content
    }

    /// `nil` for a form that this class has not written.
    private static func content(_ form: Form, _ limits: MetaLimits) -> Content? {
        guard form.revision < highestRevision else { return nil }
        var table = MetaTable(limits)
        var foreign: [Form.Record] = []
        for record in form.records {
            guard let kind = MetaKind(rawValue: record.kind) else {
                foreign.append(record)
                continue
            }
            guard record.revision > 0, record.revision <= form.revision,
                let value = record.octets.map({ ByteBuffer(bytes: $0) }) ?? record.value.map(ByteBuffer.init),
                table.take(value, at: MetaKey(kind, record.name), revision: record.revision)
            else { return nil }
        }
        return Content(table: table, revision: form.revision, foreign: foreign)
    }

    private static func write(_ content: Content, to folder: DataFolder) throws {
        let records = MetaKind.allCases.flatMap { content.table.records(of: $0) }.map { record in
            let text = String(validating: record.value.readableBytesView, as: UTF8.self)
            return Form.Record(
                kind: record.key.kind.rawValue,
                name: record.key.text,
                revision: record.revision,
                value: text,
                octets: text == nil ? Data(record.value.readableBytesView) : nil
            )
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let json = try encoder.encode(Form(revision: content.revision, records: records + content.foreign))
        try folder.write(Array(json) + [UInt8(ascii: "\n")], to: name)
    }

    // MARK: MetaStore

    package func records(of kind: MetaKind) async -> [MetaRecord] {
        content.withLockedValue { $0.table.records(of: kind) }
    }

    package func record(at key: MetaKey) async -> MetaRecord? {
        content.withLockedValue { $0.table.record(at: key) }
    }

    package func write(_ value: ByteBuffer?, at key: MetaKey, expecting revision: UInt64?) async throws -> UInt64 {
        // The disk is not waited for on a thread of the tasks.
        try await NIOThreadPool.singleton.runIfActive {
            try self.writing.withLock { try self.change(value, at: key, expecting: revision) }
        }
    }

    private func change(_ value: ByteBuffer?, at key: MetaKey, expecting revision: UInt64?) throws -> UInt64 {
        let content = content.withLockedValue { $0 }
        if let refusal = content.table.refusal(of: value, at: key) { throw refusal }
        let known = content.table.revision(of: key)
        guard (revision ?? known) == known else { throw MetaFailure.conflict(revision: known) }
        var new = content
        new.revision += 1
        _ = new.table.take(value, at: key, revision: new.revision)
        do {
            try Self.write(new, to: folder)
        } catch {
            throw MetaFailure.refused(reason: "\(error)")
        }
        self.content.withLockedValue { $0 = new }
        return new.revision
    }
}
