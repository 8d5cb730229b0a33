/// What records of the meta lane are about. Later versions have more kinds.
package enum MetaKind: String, Sendable, CaseIterable {
    /// Keys of the configuration that are set at run time.
    case configuration = "config"
}

/// The key of a record of the meta lane. Names are compared octet by octet.
package struct MetaKey: Hashable, Sendable {
    package let kind: MetaKind
    /// UTF-8.
    package let name: [UInt8]

    package init(_ kind: MetaKind, _ name: String) {
        self.kind = kind
        self.name = Array(name.utf8)
    }

    package var text: String { String(decoding: name, as: UTF8.self) }
}
