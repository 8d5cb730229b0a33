package import NIOCore

/// Segments that a commit writes and deletes: numbered rows of octets beside the log, which stay until they are deleted by name.
package struct SegmentChanges: Sendable {
    package var added: [(number: Int64, octets: ByteBuffer)]
    package var removed: [Int64]

    package init(added: [(number: Int64, octets: ByteBuffer)] = [], removed: [Int64] = []) {
        self.added = added
        self.removed = removed
    }

    var isEmpty: Bool { added.isEmpty && removed.isEmpty }
    var octetCount: Int { added.reduce(0) { $0 + $1.octets.readableBytes } }

    mutating func append(_ other: SegmentChanges) {
        if other.isEmpty { return }
        added += other.added
        removed += other.removed
    }
}
