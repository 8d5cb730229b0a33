/// The way to a client that reaches another node: that node, its loop and its listener. Answers go there.
package struct RelayIngress: Hashable, Sendable {
    package let node: RelayNode
    /// The loop of the ingress node, 0 to 31.
    package let worker: UInt8
    /// The number of the listener (`RelayListeners`).
    package let listener: UInt8

    package init(node: RelayNode, worker: UInt8, listener: UInt8) {
        self.node = node
        self.worker = worker
        self.listener = listener
    }

    /// The way that a frame with a client's datagram has come.
    init(_ forward: RelayFrame) {
        self.init(node: forward.sender, worker: forward.worker, listener: forward.listener)
    }
}
