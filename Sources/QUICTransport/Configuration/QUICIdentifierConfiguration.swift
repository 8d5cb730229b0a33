/// What the connection identifiers of a listening endpoint say.
package struct QUICIdentifierConfiguration: Sendable, Equatable {
    package enum Mode: Sendable, Equatable {
        /// Nobody without the secret learns anything from identifiers, or which of them belong together.
        case encrypted
        /// For load balancers that route by octets 1 and 2, the node. Whoever sees the packets can link a node's
        /// identifiers.
        case plain
        /// For load balancers of AWS that route by octets 1 to 8. Linkable, too.
        case aws(serverID: UInt64)
    }

    package var mode = Mode.encrypted
    /// Number of this node among those that share the secret; no two of them may have the same.
    package var node: UInt16 = 0
    /// Number of this run of the node: higher, modulo 2^16, than that of every run before. Resets are sent for those.
    package var incarnation: UInt16 = 0
    /// Codepoint of the secret in identifiers, 0 ... 6.
    package var rotation = 0
    /// Secrets by codepoint, 32 octets each, under which no identifiers are made here: another node may already make
    /// some, or an earlier run of this one has.
    package var otherSecrets: [Int: [UInt8]] = [:]

    package init() {}
}
