package import NIOCore

/// The pieces in which a commit of a lane goes into its stream, which takes messages of a certain size: an octet that is 1 if another piece
/// follows, then octets of the commit.
package enum LanePiece {
    /// Octets of one message of a stream at most; a commit that is larger is appended in pieces.
    package static let maximumSize = 500 * 1024

    /// - Parameter size: octets of a piece at most, more than 1.
    package static func pieces(of commit: ByteBuffer, size: Int = maximumSize) -> [ByteBuffer] {
        var rest = commit
        var pieces: [ByteBuffer] = []
        repeat {
            let slice = rest.readSlice(length: min(rest.readableBytes, size - 1)) ?? ByteBuffer()
            var piece = ByteBufferAllocator().buffer(capacity: slice.readableBytes + 1)
            piece.writeInteger(UInt8(rest.readableBytes > 0 ? 1 : 0))
            piece.writeImmutableBuffer(slice)
            pieces.append(piece)
        } while rest.readableBytes > 0
        return pieces
    }

    /// Puts the pieces of commits together as they come.
    package struct Assembly {
        private var octets = ByteBuffer()

        package init() {}

        /// - Returns: a commit whose last piece this is; `nil` if there are more to come.
        /// - Throws: `Malformed`.
        package mutating func add(_ piece: ByteBuffer) throws(Malformed) -> ByteBuffer? {
            var piece = piece
            guard let flag: UInt8 = piece.readInteger(), flag <= 1 else { throw Malformed() }
            octets.writeImmutableBuffer(piece)
            if flag == 1 { return nil }
            defer { octets = ByteBuffer() }
            return octets
        }
    }

    /// Octets that are no piece.
    package struct Malformed: Error {}
}
