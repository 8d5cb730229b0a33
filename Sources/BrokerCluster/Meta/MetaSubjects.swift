package import NATSClient
package import NIOCore

/// The bucket of the meta lane in JetStream, and the subjects of its records: `$KV.MARTLET_NAME_meta.KIND.` and the name in base64url (RFC 4648
/// §5), without padding, so that any name can be part of a subject.
package struct MetaSubjects: Sendable {
    package let bucket: KeyValueBucket

    /// Why a subject names no record.
    package enum Unreadable: Error, Equatable, Sendable {
        case malformed
        /// Of a later version.
        case unknownKind
    }

    package init?(_ cluster: ClusterName) {
        guard let bucket = KeyValueBucket(name: "MARTLET_\(cluster)_meta") else { return nil }
        self.bucket = bucket
    }

    /// `nil` for a name that is empty or too long.
    package func subject(of key: MetaKey) -> Subject? {
        key.name.isEmpty ? nil : bucket.subject(of: "\(key.kind.rawValue).\(Base64URL.text(of: key.name))")
    }

    package func key(of subject: ByteBuffer) -> Result<MetaKey, Unreadable> {
        guard let text = bucket.key(of: subject), let dot = text.firstIndex(of: ".") else {
            return .failure(.malformed)
        }
        guard let kind = MetaKind(rawValue: String(text[..<dot])) else { return .failure(.unknownKind) }
        guard let octets = Base64URL.octets(of: text[text.index(after: dot)...]), !octets.isEmpty,
            let name = String(validating: octets, as: UTF8.self)
        else { return .failure(.malformed) }
        return .success(MetaKey(kind, name))
    }
}
