package import NIOCore

/// A record of the meta lane.
package struct MetaRecord: Equatable, Sendable {
    package let key: MetaKey
    package let value: ByteBuffer
    /// The number of the record's last change, 1 and up; higher than those of all earlier changes.
    package let revision: UInt64

    package init(key: MetaKey, value: ByteBuffer, revision: UInt64) {
        self.key = key
        self.value = value
        self.revision = revision
    }
}
