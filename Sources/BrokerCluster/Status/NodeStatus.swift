/// What a node says of itself. What a later version adds is optional, so that nodes of two versions understand each other.
package struct NodeStatus: Codable, Equatable, Sendable {
    /// 0 to 31; `nil` without a number, for instance before it is a member of its cluster.
    package var node: Int?
    /// The number of the run; `nil` without a number.
    package var run: UInt64?
    /// `node.name`.
    package var name: String
    /// Martlet's, such as `0.1.0`.
    package var version: String
    package var state: State
    package var uptimeSeconds = 0
    /// Event loops, each with a shard.
    package var eventLoops = 0
    /// Connections of clients.
    package var connections = 0
    /// Sessions that end with their connection, which is here, and durable ones that are at home here.
    package var sessions = 0
    /// The durable ones of these.
    package var durableSessions = 0
    package var subscriptions = 0
    package var retainedMessages = 0
    /// False while this node must not acknowledge what others ought to have; `nil` without a cluster.
    package var holdsLease: Bool?
    /// `nil` without a cluster.
    package var lag: LagStatus?
    /// The node's connections to NATS, each with what it is for.
    package var nats: [NATSStatus] = []
    /// `nil` without a relay.
    package var relay: RelayStatus?

    package init(name: String, version: String, state: State) {
        self.name = name
        self.version = version
        self.state = state
    }

    package enum State: String, Codable, Sendable {
        /// By itself: it is in no cluster.
        case alone
        /// It does not serve yet, for instance since it waits for its cluster.
        case starting
        /// A member of its cluster.
        case member
        /// The others count its run as over: it was paused or cut off, and takes a new run.
        case isolated
        /// What a later version says.
        case unknown

        package init(from decoder: any Decoder) throws {
            self = Self(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .unknown
        }
    }
}

/// What a node has still to do for its lanes and for the other nodes.
package struct LagStatus: Codable, Equatable, Sendable {
    /// Lanes that the node leads.
    package var lanesLed = 0
    /// Lanes of these whose append has waited for a second or longer.
    package var suspended: [SuspendedLane] = []
    /// Lanes of these with an append in flight.
    package var appendsInFlight = 0
    /// How long the oldest append in flight has waited, milliseconds.
    package var longestWaitMilliseconds = 0
    /// Appends that were stored in the last 30 to 60 s, and their mean and longest time in microseconds.
    package var recentAppends = 0
    package var recentMeanMicroseconds = 0
    package var recentLongestMicroseconds = 0
    /// Octets that the node has appended since the logs of its lanes were cleaned.
    package var octetsSinceCleaning = 0
    /// Octets of messages whose acknowledgements wait.
    package var withheldOctets = 0
    /// Messages that wait for a lane to get a leader, and their octets.
    package var heldMessages = 0
    package var heldOctets = 0
    /// Octets that wait for other nodes, or for their acknowledgement.
    package var linkOctets = 0

    package init() {}

    package struct SuspendedLane: Codable, Equatable, Sendable {
        package let lane: Int
        package let reason: String

        package init(lane: Int, reason: String) {
            self.lane = lane
            self.reason = reason
        }
    }
}

/// One connection of a node to NATS.
package struct NATSStatus: Codable, Equatable, Sendable {
    /// What the connection is for, such as `members` or `lanes 0`.
    package let purpose: String
    /// The server that takes messages now: its name, address and version; `nil` without a connection.
    package let server: String?
    package let address: String?
    package let version: String?

    package init(purpose: String, server: String? = nil, address: String? = nil, version: String? = nil) {
        self.purpose = purpose
        self.server = server
        self.address = address
        self.version = version
    }
}

/// The relay of a node, between its start and now.
package struct RelayStatus: Codable, Equatable, Sendable {
    /// The numbers of the nodes that frames pass to and from, and of those that they do not.
    package var reachable: [Int] = []
    package var unreachable: [Int] = []
    /// Datagrams that were forwarded to other nodes, and that came from them.
    package var forwardsOut = 0
    package var forwardsIn = 0
    /// Frames that were refused, by reason, such as `stranger`; reasons that never occurred are left out.
    package var refused: [String: Int] = [:]

    package init() {}
}
