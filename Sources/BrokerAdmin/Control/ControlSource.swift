package import BrokerCluster

/// What the control socket asks the broker.
package protocol ControlSource: Sendable {
    /// What this node knows of its cluster, or of itself if it is in none.
    func clusterStatus() async -> ClusterStatus

    /// What this node says of itself.
    func nodeStatus() async -> NodeStatus
}
