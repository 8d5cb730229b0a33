/// The layout of a place and a nonce in octets 1 to 16 of an identifier (draft-ietf-quic-load-balancers).
///
/// ```
///            octets 1-2  3-4        5       6-16
/// routable          node incarnation worker  nonce (counter of 48 bits, 40 random bits)
///            octets 1-8              9      10-11       12-16
/// aws               server identifier worker incarnation nonce (counter of 40 bits)
/// ```
enum IdentifierLayout: Equatable {
    case routable
    /// The layout that AWS load balancers read.
    case aws(serverID: UInt64)

    private static let lowCounterBits: UInt64 = 24
    private static let awsCounterMask: UInt64 = 1 << 40 - 1

    func block(_ place: IdentifierPlace, _ nonce: (counter: UInt64, random: UInt64)) -> IdentifierBlock {
        switch self {
        case .routable:
            IdentifierBlock(
                high: UInt64(place.node) << 48 | UInt64(place.incarnation) << 32 | UInt64(place.worker) << 24
                    | nonce.counter >> Self.lowCounterBits,
                low: nonce.counter << UInt64(IdentifierNonce.randomBits) | nonce.random
            )
        case .aws(let serverID):
            IdentifierBlock(
                high: serverID,
                low: UInt64(place.worker) << 56 | UInt64(place.incarnation) << 40 | nonce.counter & Self.awsCounterMask
            )
        }
    }

    /// - Parameter node: the number of this node, which its server identifier means.
    /// - Returns: nil for another node's server identifier.
    func place(in block: IdentifierBlock, node: UInt16) -> IdentifierPlace? {
        switch self {
        case .routable:
            return IdentifierPlace(
                node: UInt16(truncatingIfNeeded: block.high >> 48),
                incarnation: UInt16(truncatingIfNeeded: block.high >> 32),
                worker: UInt8(truncatingIfNeeded: block.high >> 24)
            )
        case .aws(let serverID):
            guard block.high == serverID else { return nil }
            return IdentifierPlace(
                node: node,
                incarnation: UInt16(truncatingIfNeeded: block.low >> 40),
                worker: UInt8(truncatingIfNeeded: block.low >> 56)
            )
        }
    }
}
