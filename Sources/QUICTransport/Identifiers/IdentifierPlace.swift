/// Where a connection lives.
package struct IdentifierPlace: Sendable, Equatable {
    /// Number of the node among those that share a secret.
    package var node: UInt16
    /// Counts the runs of the node, modulo 2^16.
    package var incarnation: UInt16
    /// Which of the endpoints of one port, 0 ... 31.
    package var worker: UInt8

    package init(node: UInt16, incarnation: UInt16, worker: UInt8) {
        self.node = node
        self.incarnation = incarnation
        self.worker = worker
    }

    /// Whether it was in an earlier run of the other's node, counted round the end of the range as RFC 1982 §3.2 does.
    func isSuperseded(by other: IdentifierPlace) -> Bool {
        self.node == other.node && (1..<0x8000).contains(other.incarnation &- self.incarnation)
    }
}
