import ArgumentParser
import BrokerServer
import BrokerStorage
import Foundation
import MQTTBroker
import NIOCore

extension StoreCommand {
    /// `martlet store export`: writes what a store holds as lines of JSON.
    struct ExportCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Write what a store holds into a file of JSON lines.",
            discussion: """
                Sessions with their subscriptions, what waits for them, and retained messages, as they are at one instant; the
                broker may run meanwhile. The file holds what clients have said, and no password. All of it is in memory once.

                Example:
                  martlet store export --folder data/store monday.jsonl
                  martlet store export --folder data/store - | gzip >monday.jsonl.gz
                """
        )

        @OptionGroup var place: Place

        @Argument(help: "The file, which must not be there; - for standard output.")
        var file: String

        func run() throws {
            let folder = try place.path()
            try StoreCommand.reporting {
                var export = StoreExport(now: .now())
                let line = ProgressLine()
                do {
                    try CommitDatabase(folder: folder).read(
                        progress: { line.show("reading", $0) },
                        { try export.read($0) },
                        end: { try write(&export, segment: $0) }
                    )
                } catch let error as LaneBatchError {
                    throw Terminal.failure("store: \(folder): \(error); martlet store check tells more", code: 1)
                }
                Terminal.note(
                    "\(export.sessions) sessions, \(export.messages) messages for them, \(export.retained) retained messages"
                )
            }
        }

        private func write(_ export: inout StoreExport, segment: (UInt64) throws -> ByteBuffer?) throws {
            if file == "-" {
                try export.write(segment: segment) { try FileHandle.standardOutput.write(contentsOf: $0) }
                return
            }
            try NewFile(path: file).make { temporary in
                let handle = try FileHandle(forWritingTo: URL(filePath: temporary))
                try export.write(segment: segment) { try handle.write(contentsOf: $0) }
                try handle.synchronize()
                try handle.close()
            }
        }
    }

    /// `martlet store import`: makes a new store of the lines of an exported one.
    struct ImportCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Make a new store of what `martlet store export` wrote.",
            discussion: """
                A store that is there is left alone: name another folder, or move its commits.db, commits.db-wal and
                commits.db-shm away. The new store is there whole or not at all. No broker may use the folder.

                Example:
                  martlet store import --folder data/store monday.jsonl
                  zcat monday.jsonl.gz | martlet store import --folder data/store -
                """
        )

        @OptionGroup var place: Place

        @Argument(help: "The file; - for standard input.")
        var file: String

        func run() throws {
            let folder = try place.path()
            try StoreCommand.reporting {
                guard let lines = LineReader(path: file) else {
                    throw Terminal.failure(
                        "store: \(file): cannot be opened: \(String(cString: strerror(errno)))",
                        code: 1
                    )
                }
                let store = try NewStore(folder: folder)
                var reading = StoreImport(now: .now())
                let progress = ProgressLine()
                do {
                    while let line = try lines.next() {
                        guard let commit = try reading.read(line) else { continue }
                        try store.append(commit)
                        if let total = lines.size { progress.show("importing", done: lines.offset, of: total) }
                    }
                    if let commit = try reading.finish() { try store.append(commit) }
                } catch let failure as StoreImport.Failure {
                    throw Terminal.failure("store: \(file): \(failure)", code: 1)
                }
                try store.finish()
                Terminal.note("\(folder) has \(reading.items) lines of \(file)")
            }
        }
    }
}
