internal import CNgtcp2
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

    /// - Parameter secret: 32 random octets.
    init(secret: [UInt8]) {
        var extracted = [UInt8](repeating: 0, count: 32)
        let status = unsafe withDatum(secret) { secret in
            unsafe withDatum([]) { unsafe gnutls_hkdf_extract(GNUTLS_MAC_SHA256, secret, $0, &extracted) }
        }
        precondition(status == 0, "HKDF failed")
        func key(_ label: String, _ count: Int) -> [UInt8] {
            var key = [UInt8](repeating: 0, count: count)
            let status = unsafe withDatum(extracted) { secret in
                unsafe withDatum(Array(label.utf8)) {
                    unsafe gnutls_hkdf_expand(GNUTLS_MAC_SHA256, secret, $0, &key, key.count)
                }
            }
            precondition(status == 0, "HKDF failed")
            return key
        }
        self.identifiers = key("quic connection identifier", 16)
        self.mask = IdentifierMask(key("quic connection identifier mask", 12))
        self.resets = key("quic stateless reset", 32)
        self.retries = key("quic retry", 32)
        self.newTokens = key("quic new token", 32)
    }
}

/// The keys of all secrets in use, by their codepoints in identifiers.
struct KeyRing {
    /// The codepoint of the secret that new identifiers and tokens are made with.
    let rotation: Int
    let issuing: SecretKeys
    private let others: [Int: SecretKeys]

    /// - Parameter others: secrets that only decode, by their codepoints.
    init(secret: [UInt8], rotation: Int = 0, others: [Int: [UInt8]] = [:]) {
        self.rotation = rotation
        self.issuing = SecretKeys(secret: secret)
        self.others = others.mapValues { SecretKeys(secret: $0) }
    }

    subscript(rotation: Int) -> SecretKeys? { rotation == self.rotation ? self.issuing : self.others[rotation] }
}
