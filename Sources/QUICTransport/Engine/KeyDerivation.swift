internal import CNgtcp2
import Secrets

/// HKDF with SHA-256 (RFC 5869): one secret, from which keys for many purposes are derived.
struct KeyDerivation: SecretValue {
    private let extracted: [UInt8]

    /// - Parameter salt: not secret, and empty if there is none.
    init(secret: [UInt8], salt: [UInt8] = []) {
        var extracted = [UInt8](repeating: 0, count: 32)
        let status = unsafe withDatum(secret) { secret in
            unsafe withDatum(salt) { unsafe gnutls_hkdf_extract(GNUTLS_MAC_SHA256, secret, $0, &extracted) }
        }
        precondition(status == 0, "HKDF failed")
        self.extracted = extracted
    }

    /// - Parameters:
    ///   - label: what the key is for, and whatever else it is bound to.
    ///   - count: octets of the key, up to 8,160.
    func key(_ label: [UInt8], _ count: Int) -> [UInt8] {
        var key = [UInt8](repeating: 0, count: count)
        let status = unsafe withDatum(self.extracted) { secret in
            unsafe withDatum(label) {
                unsafe gnutls_hkdf_expand(GNUTLS_MAC_SHA256, secret, $0, &key, key.count)
            }
        }
        precondition(status == 0, "HKDF failed")
        return key
    }
}
