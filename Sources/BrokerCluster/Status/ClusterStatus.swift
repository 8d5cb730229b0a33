/// What one node knows of its whole cluster: by itself, by what the other nodes have answered, and by what JetStream says.
package struct ClusterStatus: Codable, Equatable, Sendable {
    /// The cluster's name; `nil` for a node by itself.
    package var cluster: String?
    /// The number of the node that says this; `nil` if it has none.
    package var node: Int?
    /// This node and all others that it knows, by their numbers.
    package var nodes: [Node] = []
    /// Who leads each lane, as far as this node knows; empty without a cluster, and before the node has shards.
    package var lanes: [Lane] = []
    /// The streams of JetStream that answered.
    package var streams: [StreamStatus] = []
    /// What is not in this status, and why, in sentences.
    package var missing: [String] = []

    package init() {}

    /// A node, as the one that is asked knows it.
    package struct Node: Codable, Equatable, Sendable {
        package var node: Int?
        package var run: UInt64?
        package var name: String
        /// Where the node takes relayed datagrams; `nil` for a node without a relay.
        package var address: String?
        package var state: State
        /// Since its last heartbeat came here, or since it died; `nil` for the node that is asked, and before the first heartbeat.
        package var heardMilliseconds: Int?
        /// What the node says of itself; `nil` if it did not answer.
        package var status: NodeStatus?
        /// Why it did not answer, in words.
        package var silence: String?

        package init(node: Int?, run: UInt64?, name: String, state: State) {
            self.node = node
            self.run = run
            self.name = name
            self.state = state
        }

        package enum State: String, Codable, Sendable {
            case alive
            /// Nothing was heard of it for a second.
            case suspected
            /// It is about to leave.
            case retiring
            /// Its run is over.
            case dead
            case isolated
            case starting
        }
    }

    package struct Lane: Codable, Equatable, Sendable {
        /// 0 to 63.
        package let lane: Int
        /// The number of the node that leads it; `nil` while none does.
        package let node: Int?
        /// The newest term; 0 before there was one.
        package let term: UInt64

        package init(lane: Int, node: Int?, term: UInt64) {
            self.lane = lane
            self.node = node
            self.term = term
        }
    }
}

/// A stream of JetStream that keeps something of the cluster.
package struct StreamStatus: Codable, Equatable, Sendable {
    package var name: String
    /// The server that leads the stream; `nil` while it is being elected.
    package var leader: String?
    /// Copies of the stream, the leader's included: those there should be, and those that have everything.
    package var replicas: Int
    package var currentReplicas: Int
    /// The servers whose copies lack something, or that are offline.
    package var behind: [String]
    package var messages: UInt64
    package var octets: UInt64
    /// Octets that the stream may have; `nil` if there is no bound.
    package var maximumOctets: Int?

    package init(
        name: String,
        leader: String?,
        replicas: Int,
        currentReplicas: Int,
        behind: [String],
        messages: UInt64,
        octets: UInt64,
        maximumOctets: Int?
    ) {
        self.name = name
        self.leader = leader
        self.replicas = replicas
        self.currentReplicas = currentReplicas
        self.behind = behind
        self.messages = messages
        self.octets = octets
        self.maximumOctets = maximumOctets
    }
}
