import QUICTransport
import Secrets

/// The secrets of a cluster that a node knows, and which one it makes keys of: the newest that every member knows, so that nobody seals with
/// one that another cannot open.
struct SecretRotation {
    /// The newest first.
    @Secret private(set) var secrets: [[UInt8]]
    /// The one that new identifiers, tokens and frames are made with.
    @Secret private var issuing: [UInt8]

    /// A node begins with the oldest, which the others know if any.
    ///
    /// - Parameter secrets: not empty.
    init(_ secrets: [[UInt8]]) {
        self.secrets = secrets
        issuing = secrets.last ?? []
    }

    /// What tells other nodes which secrets this one knows, without telling the secrets.
    var fingerprints: [UInt64] { secrets.map { KeyRing.fingerprint(of: $0) } }

    /// The keys of all secrets.
    var ring: KeyRing { KeyRing(issuing: issuing, of: secrets) }

    /// The file has other secrets. What is issued stays for now if it is one of them.
    ///
    /// - Returns: false if they are the same.
    mutating func learn(_ secrets: [[UInt8]]) -> Bool {
        guard secrets != self.secrets, let oldest = secrets.last else { return false }
        self.secrets = secrets
        if !secrets.contains(issuing) { issuing = oldest }
        return true
    }

    /// Issues with the newest secret that everybody knows.
    ///
    /// - Returns: true if that is another one than before.
    mutating func choose(isKnownToAll: (UInt64) -> Bool) -> Bool {
        let newest = secrets.first { isKnownToAll(KeyRing.fingerprint(of: $0)) }
        guard let newest, newest != issuing else { return false }
        issuing = newest
        return true
    }
}
