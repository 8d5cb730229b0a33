/// What a node's own membership tells about the cluster.
///
/// Members are told between `admitted` and `isolated` only. With `isolated` all of them are forgotten, and come again after the next
/// `admitted`.
package enum MembershipEvent: Sendable, Equatable {
    /// A run of another node is there. An earlier run of that node is over: `died` came before.
    case joined(Member)
    /// The node was not heard of for the lease, or its subject has had no responders twice.
    case suspected(node: Int)
    /// A suspected node is heard of again.
    case trusted(node: Int)
    /// The node is about to leave, and serves yet.
    case retiring(node: Int)
    /// The run is over: superseded by a higher one, left by itself, or silent for `cluster.dead_after`.
    case died(Member)
    /// This node's own run is over: it must stop to act for others. It was paused, or cut off, or its record is gone.
    case isolated
    /// This node is a member by this run, at first and after `isolated`.
    case admitted(Member)
}
