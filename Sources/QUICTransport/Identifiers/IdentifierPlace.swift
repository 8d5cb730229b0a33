/// The endpoint that owns a connection, as connection identifiers name it: node, run and worker.
package struct IdentifierPlace: Sendable, Equatable {
    /// The number of the node among the nodes with the same secret.
    package var node: UInt16
    /// The number of the node's run, modulo 2^16.
    package var incarnation: UInt16
    /// The number of the endpoint among those of one port, 0 to 31.
    package var worker: UInt8

    package init(node: UInt16, incarnation: UInt16, worker: UInt8) {
        self.node = node
        self.incarnation = incarnation
        self.worker = worker
    }

    /// The run of the node.
    var run: RelayNode { RelayNode(number: self.node, incarnation: self.incarnation) }

    /// Compares incarnations of one node as serial numbers (RFC 1982 §3.2).
    static func isEarlier(_ incarnation: UInt16, than other: UInt16) -> Bool {
        (1..<0x8000).contains(other &- incarnation)
    }
}
