/// Where the lanes of a cluster are in JetStream.
package struct LaneConfiguration: Sendable, Equatable {
    package var cluster: ClusterName
    /// Replicas of each stream: 3, or 1 where there are fewer servers.
    package var replicas: Int
    /// Octets of each of the four streams at most (`max_bytes`), which count for each replica. A stream that is there already keeps its own.
    package var maximumOctets = 2 << 30
    package var limits = LaneLimits()

    package init(cluster: ClusterName, replicas: Int) {
        self.cluster = cluster
        self.replicas = replicas
    }
}
