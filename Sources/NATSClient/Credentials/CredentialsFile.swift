import Secrets

/// A credentials file (`.creds`), as `nsc` writes it: a user's JWT and the seed of the user's key, each between two lines of dashes.
package struct CredentialsFile: SecretValue {
    package let credentials: Credentials

    /// `nil` if there is no JWT or no seed in it.
    package init?(_ text: String) {
        var blocks: [(title: Substring, body: Substring)] = []
        var title: Substring?
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.drop(while: \.isWhitespace).trimmingSuffix(while: \.isWhitespace)
            if line.hasPrefix("---") {
                title = line.contains("BEGIN") ? line : nil
            } else if let begun = title {
                blocks.append((begun, line))
                title = nil
            }
        }
        let seed = blocks.first { $0.title.contains("SEED") }
        guard let jwt = blocks.first(where: { $0.title.contains("JWT") }), let seed, let key = UserKey(seed: seed.body)
        else { return nil }
        credentials = .certified(jwt: String(jwt.body), key)
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while isUnwanted: (Character) -> Bool) -> Substring {
        self[..<(lastIndex { !isUnwanted($0) }.map { index(after: $0) } ?? startIndex)]
    }
}
