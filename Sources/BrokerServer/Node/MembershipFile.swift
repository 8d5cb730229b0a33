package import BrokerCluster
import Foundation
import NIOConcurrencyHelpers

/// The file of the data folder by which a node is known to its cluster: a random identity that stays, and the number that it had last.
///
/// The number of the run is in the file of `NodeRun`.
package final class MembershipFile: MembershipMemory {
    package let token: String
    private let folder: DataFolder
    private let run: NodeRun
    private let content: NIOLockedValueBox<Content>

    private static let name = "member"

    private struct Content: Codable, Equatable {
        var token: String
        var cluster: String?
        var number: Int?
    }

    init(_ folder: DataFolder, _ run: NodeRun) throws {
        self.folder = folder
        self.run = run
        let content = try Self.read(folder)
        token = content.token
        self.content = NIOLockedValueBox(content)
    }

    private static func read(_ folder: DataFolder) throws -> Content {
        let path = folder.file(name)
        guard FileManager.default.fileExists(atPath: path) else {
            let token = UUID().uuidString.lowercased()
            let content = Content(token: token, cluster: nil, number: nil)
            try write(content, to: folder)
            return content
        }
        let octets = try folder.read(name)
        guard let content = try? JSONDecoder().decode(Content.self, from: Data(octets)), !content.token.isEmpty else {
            throw DataFolder.Failure(
                description:
                    "node.data_dir: \(path) does not say which node this is; restore it, or delete it, and the node takes a free number"
            )
        }
        return content
    }

    private static func write(_ content: Content, to folder: DataFolder) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try folder.write(Array(try encoder.encode(content)) + [UInt8(ascii: "\n")], to: name)
    }

    // MARK: MembershipMemory

    package var start: UInt64 { run.number }

    package func number(in cluster: ClusterName) -> Int? {
        content.withLockedValue { $0.cluster == cluster.description ? $0.number : nil }
    }

    package func remember(number: Int, run: UInt64, in cluster: ClusterName) throws {
        try self.run.raise(to: run)
        try content.withLockedValue { content in
            let new = Content(token: token, cluster: cluster.description, number: number)
            guard new != content else { return }
            try Self.write(new, to: folder)
            content = new
        }
    }
}
