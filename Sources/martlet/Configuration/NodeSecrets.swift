import BrokerServer
import QUICTransport
import Secrets

/// The secrets that `node` and `cluster` name, read from their files.
struct NodeSecrets {
    /// The secret of identifiers; `nil` for the one of the data folder.
    @Secret private(set) var own: [UInt8]?
    /// Those of the cluster, the newest first; empty without one.
    @Secret private(set) var ofCluster: [[UInt8]]
    private let node: NodeSettings
    private let rotation: Int
    @Secret private var others: [Int: [UInt8]]

    /// - Throws: `DataFolder.Failure`, which names the key and the file.
    init(_ node: NodeSettings, _ cluster: ClusterSettings) throws {
        self.node = node
        if let path = cluster.secretFile, cluster.isEnabled {
            let secrets = try NodeSecret.readAll(path, key: "cluster.secret_file")
            if NodeSecret.isExposed(path) { Self.warn(path, key: "cluster.secret_file") }
            ofCluster = secrets
            // The one that the others know, if any.
            own = secrets.last
            rotation = secrets.last.map { KeyRing.codepoint(of: $0) } ?? 0
            others = Dictionary(secrets.dropLast().map { (KeyRing.codepoint(of: $0), $0) }) { first, _ in first }
            return
        }
        ofCluster = []
        rotation = node.secretRotation
        own = try node.secretFile.map { try Self.read($0, key: "node.secret_file") }
        var others: [Int: [UInt8]] = [:]
        for secret in node.otherSecrets {
            others[secret.rotation] = try Self.read(secret.path, key: "node.other_secrets")
        }
        self.others = others
    }

    private static func read(_ path: String, key: String) throws -> [UInt8] {
        let (secret, isExposed) = try NodeSecret.read(path, key: key)
        if isExposed { warn(path, key: key) }
        return secret
    }

    private static func warn(_ path: String, key: String) {
        Terminal.note("warning: \(key): others than its owner may read \(path)")
    }

    func identifiers(_ mode: QUICIdentifierConfiguration.Mode, incarnation: UInt16) -> QUICIdentifierConfiguration {
        var identifiers = QUICIdentifierConfiguration()
        identifiers.mode = mode
        identifiers.node = UInt16(clamping: node.number ?? 0)
        identifiers.incarnation = incarnation
        identifiers.rotation = rotation
        identifiers.otherSecrets = others
        return identifiers
    }
}
