package import NIOCore

/// Octets that are written as a whole, behind those that the same source handed in before.
package struct Batch: Sendable {
    package var octets: ByteBuffer
    package var kind: Kind
    /// Written and deleted together with the octets.
    package var segments: SegmentChanges

    /// What a batch is for.
    package enum Kind: Sendable {
        /// A batch that makes the store fuller, and is refused where only the reserve is left.
        case ordinary
        /// A batch that lets the store become emptier (acknowledgements, endings, cleaning), and may draw on the reserve.
        case draining
    }

    /// - Parameter octets: beyond `StoreLimits.maximumCommitOctets` they are a commit of their own. The octets are copied once more, into the commit.
    package init(_ octets: ByteBuffer, _ kind: Kind = .ordinary, segments: SegmentChanges = SegmentChanges()) {
        self.octets = octets
        self.kind = kind
        self.segments = segments
    }

    /// Octets that the batch adds to the store.
    var octetCount: Int { octets.readableBytes + segments.octetCount }
}
