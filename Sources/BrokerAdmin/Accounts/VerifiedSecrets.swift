import Crypto

/// Secrets that were verified, so that the next request with one costs no derivation: as codes by a random key of the process, and no longer than
/// the record of the account is as it was. Without IO.
struct VerifiedSecrets {
    private struct Entry {
        let code: [UInt8]
        let revision: UInt64
        var used: UInt64
    }

    private let maximum: Int
    private let key = SymmetricKey(size: .bits256)
    private var entries: [String: Entry] = [:]
    private var uses: UInt64 = 0

    init(maximum: Int) { self.maximum = maximum }

    var count: Int { entries.count }

    /// True if the secret was verified while the record had this revision.
    mutating func contains(_ secret: String, of name: String, revision: UInt64) -> Bool {
        guard let entry = entries[name], entry.revision == revision,
            ConstantTime.isEqual(entry.code, code(secret))
        else { return false }
        uses += 1
        entries[name]?.used = uses
        return true
    }

    /// Keeps a secret. Beyond the bound that one goes which was not used for the longest time.
    mutating func insert(_ secret: String, of name: String, revision: UInt64) {
        if entries[name] == nil, entries.count >= maximum,
            let oldest = entries.min(by: { $0.value.used < $1.value.used })
        {
            entries[oldest.key] = nil
        }
        uses += 1
        entries[name] = Entry(code: code(secret), revision: revision, used: uses)
    }

    mutating func remove(_ name: String) { entries[name] = nil }

    private func code(_ secret: String) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(secret.utf8), using: key))
    }
}
