package import NATSClient
package import NIOCore

/// The links of one event loop of this node to all event loops of the other nodes, over core NATS: messages come once and in the order in
/// which they were sent, while both runs live. All methods are called on the loop, and all that is told comes on the loop. It has a
/// connection to NATS of its own.
package final class ShardLinks {
    package let limits: LinkLimits
    package let eventLoop: any EventLoop
    /// The number of this node's event loop.
    package let shard: Int

    /// Is called with each message, the node and the shard that sent it. The message is a slice of what was read: keep a copy.
    package var onMessage: (_ message: ByteBuffer, _ node: Int, _ shard: Int) -> Void = { _, _, _ in }
    /// Is called at the end of a read burst that `onMessage` was called in.
    package var onBurst: () -> Void = {}
    /// Is called when a link for which `send` returned false has room again.
    package var onRoom: (_ node: Int, _ shard: Int) -> Void = { _, _ in }
    /// Is called when a link begins anew while both runs live. Of what was handed to `send` before this call, and of what the other shard
    /// sent before its own, anything may be lost; what is sent from this call on comes.
    package var onReset: (_ node: Int, _ shard: Int, _ reason: LinkReset) -> Void = { _, _, _ in }

    /// - Throws: for authorities that are no PEM certificates.
    package init(
        _ cluster: ClusterName,
        shard: Int,
        limits: LinkLimits = LinkLimits(),
        nats: ClientConfiguration,
        on eventLoop: any EventLoop
    ) throws {
        self.limits = limits
        self.eventLoop = eventLoop
        self.shard = shard
    }

    /// Connects to NATS.
    package func start() {}

    /// Ends the connection. What was not acknowledged is dropped.
    package func stop() -> EventLoopFuture<Void> { eventLoop.makeSucceededVoidFuture() }

    /// This node is a member as this run: its subject is listened to. Links of an earlier run are closed.
    package func begin(as member: Member) {}

    /// This node's run is over: all links are closed, and nothing is listened to.
    package func end() {}

    /// Makes links to all shards of a run of another node. An earlier run's are closed; one that is open already stays as it is.
    package func open(to member: Member) {}

    /// Closes the links to a node: what was not acknowledged is dropped, and what its run still sends is not taken.
    package func close(to node: Int) {}

    /// The run of a node that links are open to.
    package func member(_ node: Int) -> Member? { nil }

    /// Hands a message over to a shard of another node. It leaves at the end of the loop's tick, with what else there is for that shard.
    ///
    /// - Returns: false once more than `LinkLimits.maximumOctets` wait for that shard: hold back until `onRoom`. The message is taken all
    ///   the same, up to `LinkLimits.hardMaximumOctets`. False also if there is no link, or the message is over
    ///   `LinkLimits.maximumMessage`; then it is dropped and counted.
    package func send(_ message: ByteBuffer, to node: Int, shard: Int) -> Bool { false }

    /// Octets that wait for a shard: not sent, or sent and not acknowledged.
    package func octetsWaiting(for node: Int, shard: Int) -> Int { 0 }

    /// What was done since this was made.
    package var counters: LinkCounters { LinkCounters() }
}
