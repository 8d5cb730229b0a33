package import Secrets

/// The contents of the connection identifiers of a listening endpoint.
package struct QUICIdentifierConfiguration: Sendable, Equatable {
    /// Who can read an identifier.
    package enum Mode: Sendable, Equatable {
        /// Encrypted: without the secret, identifiers tell nothing, and cannot be linked to each other.
        case encrypted
        /// For load balancers that route by octets 1 and 2, the node. An observer can tell which identifiers are of one
        /// node.
        case plain
        /// For AWS load balancers, which route by octets 1 to 8. An observer can tell which identifiers are of one server.
        case aws(serverID: UInt64)
    }

    package var mode = Mode.encrypted
    /// The number of this node, which no other node with the same secret may have.
    package var node: UInt16 = 0
    /// The number of this run of the node: higher, modulo 2^16, than those of all runs before. Packets for connections of
    /// earlier runs are answered by stateless resets.
    package var incarnation: UInt16 = 0
    /// The codepoint of the secret in identifiers, 0 to 6.
    package var rotation = 0
    /// Secrets of 32 octets by codepoint that only decode identifiers: other nodes already use them, or earlier runs of this
    /// node did.
    @Secret package var otherSecrets: [Int: [UInt8]] = [:]

    package init() {}
}
