import Foundation
import Secrets

/// The value of the header `Authorization` (RFC 9110 §11.6.2): Basic (RFC 7617) or Bearer (RFC 6750).
enum AuthorizationHeader: SecretValue {
    case basic(key: String, secret: String)
    case bearer(String)

    /// `nil` for another scheme, or what cannot be read.
    init?(_ value: String) {
        let parts = value.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
        guard let scheme = parts.first, let rest = parts.dropFirst().first else { return nil }
        let proof = String(rest.drop { $0 == " " })
        switch scheme.lowercased() {
        case "basic":
            guard let octets = Data(base64Encoded: proof), let text = String(validating: octets, as: UTF8.self),
                let colon = text.firstIndex(of: ":")
            else { return nil }
            self = .basic(key: String(text[..<colon]), secret: String(text[text.index(after: colon)...]))
        case "bearer": self = .bearer(proof)
        default: return nil
        }
    }
}
