import Secrets

/// The keys that are derived from one secret by HKDF with SHA-256 (RFC 5869), each with its label.
struct SecretKeys: SecretValue {
    /// The AES-128 key of connection identifiers.
    let identifiers: [UInt8]
    let mask: IdentifierMask
    /// The keys of stateless reset tokens, of Retry tokens and of tokens for later connections.
    let resets: [UInt8]
    let retries: [UInt8]
    let newTokens: [UInt8]
    /// What the keys of relay frames are derived from.
    private let relay: [UInt8]

    /// - Parameter secret: 32 random octets.
    init(secret: [UInt8]) {
        let derivation = KeyDerivation(secret: secret)
        func key(_ label: String, _ count: Int) -> [UInt8] { derivation.key(Array(label.utf8), count) }
        self.identifiers = key("quic connection identifier", 16)
        self.mask = IdentifierMask(key("quic connection identifier mask", 12))
        self.resets = key("quic stateless reset", 32)
        self.retries = key("quic retry", 32)
        self.newTokens = key("quic new token", 32)
        self.relay = key("quic relay", 32)
    }

    /// The AES-128 key of the relay frames that one run of a node sends.
    func relayKey(of sender: RelayMember) -> [UInt8] {
        let node = [sender.node.number, sender.node.incarnation].flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
        return KeyDerivation(secret: self.relay, salt: sender.bootSalt).key(Array("quic relay sender".utf8) + node, 16)
    }
}

/// The keys of all secrets in use, by their codepoints in identifiers.
package struct KeyRing: Sendable {
    /// The codepoint of the secret that new identifiers and tokens are made with.
    package let rotation: Int
    let issuing: SecretKeys
    private let others: [Int: SecretKeys]

    /// - Parameters:
    ///   - secret: 32 random octets.
    ///   - rotation: 0 to 6.
    ///   - others: secrets that only decode, by their codepoints.
    package init(secret: [UInt8], rotation: Int = 0, others: [Int: [UInt8]] = [:]) {
        self.rotation = rotation
        self.issuing = SecretKeys(secret: secret)
        self.others = others.mapValues { SecretKeys(secret: $0) }
    }

    /// The keys of secrets that have their codepoints of themselves.
    package init(issuing: [UInt8], of secrets: [[UInt8]]) {
        let others = secrets.filter { $0 != issuing }.map { (Self.codepoint(of: $0), $0) }
        self.init(
            secret: issuing,
            rotation: Self.codepoint(of: issuing),
            others: Dictionary(others) { first, _ in first }
        )
    }

    /// The codepoint of a secret that every node gives it, 0 to 6.
    package static func codepoint(of secret: [UInt8]) -> Int {
        let octets = KeyDerivation(secret: secret).key(Array("quic connection identifier codepoint".utf8), 4)
        return Int(
            octets.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } % UInt32(RoutableConnectionIDGenerator.rotations.count)
        )
    }

    /// A number by which nodes tell each other which secrets they know, and which tells nothing of the secret.
    package static func fingerprint(of secret: [UInt8]) -> UInt64 {
        KeyDerivation(secret: secret).key(Array("fingerprint".utf8), 8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The keys of all secrets, those that are issued with first.
    var all: [SecretKeys] { [self.issuing] + self.others.sorted { $0.key < $1.key }.map(\.value) }

    /// The keys of a listener.
    package init(_ configuration: QUICServerConfiguration) {
        self.init(
            secret: configuration.staticSecret,
            rotation: configuration.identifiers.rotation,
            others: configuration.identifiers.otherSecrets
        )
    }

    subscript(rotation: Int) -> SecretKeys? { rotation == self.rotation ? self.issuing : self.others[rotation] }
}
