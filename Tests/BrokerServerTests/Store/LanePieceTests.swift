import NIOCore
import Testing

@testable import BrokerServer

@Suite("Commits of a lane in pieces")
struct LanePieceTests {
    @Test(
        "A commit is what its pieces make together, none of which is too large",
        arguments: [0, 1, 9, 10, 18, 19, 100]
    )
    func roundTrip(octets: Int) throws {
        let commit = ByteBuffer(bytes: (0..<octets).map { UInt8(truncatingIfNeeded: $0) })
        var assembly = LanePiece.Assembly()
        // Two commits, one behind the other.
        for _ in 0..<2 {
            let pieces = LanePiece.pieces(of: commit, size: 10)
            #expect(pieces.allSatisfy { $0.readableBytes <= 10 })
            for piece in pieces.dropLast() { #expect(try assembly.add(piece) == nil) }
            #expect(try assembly.add(pieces[pieces.count - 1]) == commit)
        }
    }

    @Test("Octets that are no piece are refused", arguments: [[], [2], [255, 0]] as [[UInt8]])
    func malformed(octets: [UInt8]) {
        var assembly = LanePiece.Assembly()
        #expect(throws: LanePiece.Malformed.self) { try assembly.add(ByteBuffer(bytes: octets)) }
    }
}
