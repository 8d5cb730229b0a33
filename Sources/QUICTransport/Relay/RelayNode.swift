/// One run of a node, as relay frames name their sender and their receiver.
package struct RelayNode: Hashable, Sendable {
    /// The number of the node among those with the same secret.
    package var number: UInt16
    /// The number of the run, as in the identifiers that it makes (`IdentifierPlace`).
    package var incarnation: UInt16

    package init(number: UInt16, incarnation: UInt16) {
        self.number = number
        self.incarnation = incarnation
    }

    /// True if this is an earlier run of the same node.
    func isSuperseded(by other: RelayNode) -> Bool {
        self.number == other.number && IdentifierPlace.isEarlier(self.incarnation, than: other.incarnation)
    }
}

/// A run of a node with what its membership record says for the relay.
package struct RelayMember: Equatable, Sendable {
    /// Octets of a salt.
    package static let saltCount = 32

    package let node: RelayNode
    /// Random octets of the run, which are no secret: with them two runs never have one key, even if they have one number.
    package let bootSalt: [UInt8]

    /// - Parameter bootSalt: `saltCount` random octets, which no other run of any node has.
    package init(_ node: RelayNode, bootSalt: [UInt8]) {
        self.node = node
        self.bootSalt = bootSalt
    }
}
