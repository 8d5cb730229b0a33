import ArgumentParser
import BrokerCluster
import BrokerConfiguration
import BrokerStorage
import Foundation
import MQTTBroker
import NIOCore

/// `martlet store`: commands that check a broker's store, copy it, or carry it over to another version or machine.
struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Check a broker's store on disk, copy it, or carry it over.",
        discussion: """
            The store is the folder `store` in `node.data_dir`, or that of a cluster, which all its nodes share in JetStream and
            which can be exported and imported.

            Example:
              martlet store check --config martlet.conf
              martlet store backup --config martlet.conf monday.db
            """,
        subcommands: [CheckCommand.self, BackupCommand.self, ExportCommand.self, ImportCommand.self]
    )

    /// Which store.
    struct Place: ParsableArguments {
        @Option(name: [.customShort("c"), .long], help: "The broker's configuration, a HOCON file.")
        var config: String?

        @Option(name: .long, help: "The store's folder, instead of that of the configuration.")
        var folder: String?

        /// Where the store is.
        enum Store {
            case folder(String)
            case cluster(ClusterConfiguration)
        }

        func store() throws -> Store {
            if let folder { return .folder(folder) }
            do {
                let sources = ConfigurationSources(
                    file: config,
                    environment: ProcessInfo.processInfo.environment,
                    settings: [:]
                )
                let loaded = try sources.load(over: ServerSettings(), by: ServerSettings.section)
                let (node, cluster) = (loaded.configuration.node, loaded.configuration.cluster)
                guard cluster.isEnabled else { return .folder(node.dataDirectory + "/store") }
                let name = node.name ?? ProcessInfo.processInfo.hostName
                // What is stored is sealed with no key.
                return .cluster(try ClusterPlan(cluster, number: nil, secrets: [], nodeName: name).configuration)
            } catch {
                throw Terminal.failure("store: \(error)", code: 2)
            }
        }

        /// The folder of a store that is one.
        func path() throws -> String {
            guard case .folder(let path) = try store() else {
                throw Terminal.failure(
                    "store: this node's store is that of its cluster, in JetStream: see to it there, or name a --folder",
                    code: 2
                )
            }
            return path
        }
    }

    /// `martlet store check`: looks for damage.
    struct CheckCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Look at every page and every commit of a store.",
            discussion: """
                The broker may run meanwhile, except with --salvage. The exit code is 0 for a sound store, and 1 otherwise.

                With --salvage, what can be read is written into a new database, without batches whose checksum is wrong: the
                sessions that these were of lack what they said. To use it, end the broker, move commits.db, commits.db-wal and
                commits.db-shm away, and put the new file in the place of commits.db.

                Example:
                  martlet store check --folder data/store
                  martlet store check --folder data/store --salvage data/salvaged.db
                """
        )

        @OptionGroup var place: Place

        @Option(name: .long, help: "Write what is readable into this new file.")
        var salvage: String?

        func run() throws {
            let folder = try place.path()
            try StoreCommand.reporting {
                let line = ProgressLine()
                let report: StoreReport
                if let salvage {
                    report = try Salvage(folder: folder, sound: { try Self.sound($0).octets }).write(to: salvage) {
                        line.show("salvaging", $0)
                    }
                } else {
                    report = try CommitDatabase(folder: folder).check(isSound: { try Self.sound($0).damaged == 0 }) {
                        line.show("checking", $0)
                    }
                }
                for problem in report.problems { Terminal.print(problem) }
                for numbers in report.unreadable {
                    Terminal.print(
                        "commits \(numbers.lowerBound) to \(numbers.upperBound) are missing or cannot be read"
                    )
                }
                if !report.damaged.isEmpty {
                    let numbers = report.damaged.prefix(20).map { "\($0)" }.joined(separator: ", ")
                    Terminal.print("\(report.damaged.count) commits have damaged batches, such as \(numbers)")
                }
                if report.damagedSegments > 0 {
                    Terminal.print("\(report.damagedSegments) parts of long queues are damaged")
                }
                let numbers = report.numbers.map { ", numbers \($0.lowerBound) to \($0.upperBound)" } ?? ""
                Terminal.print("\(report.commits) commits, \(report.octets) octets\(numbers)")
                if report.segments > 0 { Terminal.print("\(report.segments) parts of long queues") }
                guard report.isSound else { throw ExitCode.failure }
                Terminal.print("the store is sound")
            }
        }

        /// What is sound of a commit.
        private static func sound(_ commit: ByteBuffer) throws -> (octets: ByteBuffer, damaged: Int) {
            try BatchReader.soundOctets(of: commit, now: Instant(monotonic: .now(), wall: 0))
        }
    }

    /// `martlet store backup`: copies a store while the broker may run.
    struct BackupCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "backup",
            abstract: "Copy a store, as it is at one instant, into a new file.",
            discussion: """
                The broker may run meanwhile. To go back to a backup, end the broker, move commits.db, commits.db-wal and
                commits.db-shm of the store's folder away, and put the file in the place of commits.db.

                Example:
                  martlet store backup --folder data/store monday.db
                """
        )

        @OptionGroup var place: Place

        @Argument(help: "The file, which must not be there.")
        var file: String

        func run() throws {
            let folder = try place.path()
            try StoreCommand.reporting {
                let line = ProgressLine()
                try CommitDatabase(folder: folder).backup(to: file) { line.show("copying", $0) }
                Terminal.print("\(file) is a copy of \(folder)")
            }
        }
    }

    /// Turns a failure of the store into a line and an exit code.
    static func reporting(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let failure as StoreFailure {
            throw Terminal.failure("store: \(failure)", code: 1)
        } catch let failure as ClusterFailure {
            throw Terminal.failure("store: \(failure)", code: 1)
        }
    }
}
