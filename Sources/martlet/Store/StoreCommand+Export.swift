import ArgumentParser
import BrokerCluster
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

                With the configuration of a node of a cluster, that is what the cluster holds. Its nodes should be stopped: otherwise
                each lane, one of 64 parts, is as it is at a moment of its own.

                Example:
                  martlet store export --folder data/store monday.jsonl
                  martlet store export --config cluster.conf monday.jsonl
                  martlet store export --folder data/store - | gzip >monday.jsonl.gz
                """
        )

        @OptionGroup var place: Place

        @Argument(help: "The file, which must not be there; - for standard output.")
        var file: String

        func run() throws {
            try StoreCommand.reporting {
                let count: StoreExport.Count
                switch try place.store() {
                case .folder(let folder): count = try export(folder)
                case .cluster(let cluster): count = try export(cluster)
                }
                Terminal.note(
                    "\(count.sessions) sessions, \(count.messages) messages for them, \(count.retained) retained messages"
                )
            }
        }

        private func export(_ folder: String) throws -> StoreExport.Count {
            var export = StoreExport(now: .now())
            let line = ProgressLine()
            do {
                try CommitDatabase(folder: folder).read(
                    progress: { line.show("reading", $0) },
                    { try export.read($0) },
                    end: { segment in try write { try export.write(segment: segment, to: $0) } }
                )
            } catch let error as LaneBatchError {
                throw Terminal.failure("store: \(folder): \(error); martlet store check tells more", code: 1)
            }
            return export.count
        }

        private func export(_ cluster: ClusterConfiguration) throws -> StoreExport.Count {
            let store = try ClusterStore(cluster)
            let running = try store.countNodes()
            if running > 0 {
                Terminal.note(
                    "warning: \(running) nodes of the cluster run: each of its 64 lanes is exported as it is at a moment of its own, so that a message that goes from one to another now may be missing, or there twice"
                )
            }
            try store.read()
            var count = StoreExport.Count()
            try write { count = try store.write(to: $0) }
            try store.close()
            return count
        }

        /// Lets `body` write the file.
        private func write(_ body: (@escaping @Sendable (Data) throws -> Void) throws -> Void) throws {
            if file == "-" {
                try body { try FileHandle.standardOutput.write(contentsOf: $0) }
                return
            }
            try NewFile(path: file).make { temporary in
                let handle = try FileHandle(forWritingTo: URL(filePath: temporary))
                try body { try handle.write(contentsOf: $0) }
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

                With the configuration of a node of a cluster, the cluster gets what the file holds. No node may run meanwhile, and
                the cluster may hold no sessions and no retained messages yet. The file is in memory once.

                Example:
                  martlet store import --folder data/store monday.jsonl
                  martlet store import --config cluster.conf monday.jsonl
                  zcat monday.jsonl.gz | martlet store import --folder data/store -
                """
        )

        @OptionGroup var place: Place

        @Argument(help: "The file; - for standard input.")
        var file: String

        func run() throws {
            try StoreCommand.reporting {
                switch try place.store() {
                case .folder(let folder): try importStore(folder)
                case .cluster(let cluster): try importStore(cluster)
                }
            }
        }

        private func importStore(_ folder: String) throws {
            let lines = try lines()
            let store = try NewStore(folder: folder)
            let items = try read(lines) { try store.append($0) }
            try store.finish()
            Terminal.note("\(folder) has \(items) lines of \(file)")
        }

        private func importStore(_ cluster: ClusterConfiguration) throws {
            let lines = try lines()
            let store = try ClusterStore(cluster)
            let running = try store.countNodes()
            guard running == 0 else {
                throw ClusterFailure(
                    description: "\(running) nodes of the cluster \(cluster.name) run: stop them first"
                )
            }
            try store.prepare()
            try store.read()
            let count = try store.write { _ in }
            guard !count.isSomething else {
                throw ClusterFailure(
                    description:
                        "the cluster \(cluster.name) has \(count.sessions) sessions and \(count.retained) retained messages already: give another cluster.name, or delete the streams MARTLET_\(cluster.name)_L0 to L3 of JetStream"
                )
            }
            // All of it before anything is written.
            var logs: [Int: [ByteBuffer]] = [:]
            let items = try read(lines) { commit in
                for (lane, octets) in try LaneBatch.split(commit, now: .now()) {
                    logs[lane, default: []].append(octets)
                }
            }
            try store.write(logs)
            try store.close()
            Terminal.note("the cluster \(cluster.name) has \(items) lines of \(file)")
        }

        private func lines() throws -> LineReader {
            guard let lines = LineReader(path: file) else {
                throw Terminal.failure("store: \(file): cannot be opened: \(String(cString: strerror(errno)))", code: 1)
            }
            return lines
        }

        /// Reads all lines, and hands on the commits that they make.
        ///
        /// - Returns: how many there were.
        private func read(_ lines: LineReader, _ body: (ByteBuffer) throws -> Void) throws -> Int {
            var reading = StoreImport(now: .now())
            let progress = ProgressLine()
            do {
                while let line = try lines.next() {
                    guard let commit = try reading.read(line) else { continue }
                    try body(commit)
                    if let total = lines.size { progress.show("reading", done: lines.offset, of: total) }
                }
                if let commit = try reading.finish() { try body(commit) }
            } catch let failure as StoreImport.Failure {
                throw Terminal.failure("store: \(file): \(failure)", code: 1)
            }
            return reading.items
        }
    }
}
