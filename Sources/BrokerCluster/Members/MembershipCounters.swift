/// What a node's membership has come to since the node began.
package struct MembershipCounters: Equatable, Sendable {
    package var heartbeatsSent = 0
    package var heartbeatsReceived = 0
    /// Messages on the subject of heartbeats that are none.
    package var malformed = 0
    /// Times that a node was suspected.
    package var suspicions = 0
    /// Runs of other nodes that ended.
    package var deaths = 0
    /// Times that this node became a member.
    package var admissions = 0
    /// Times that this node's run ended, since it was paused or cut off, or its record was gone.
    package var isolations = 0
    /// Attempts to write this node's record.
    package var writes = 0
    /// Connections to NATS that ended, and attempts that failed.
    package var disconnections = 0

    package init() {}

    /// The counters by the names of their metrics, `martlet_members_NAME_total`.
    package static let names: [(name: String, path: any WritableKeyPath<MembershipCounters, Int> & Sendable)] = [
        ("heartbeats_sent", \.heartbeatsSent),
        ("heartbeats_received", \.heartbeatsReceived),
        ("malformed", \.malformed),
        ("suspicions", \.suspicions),
        ("deaths", \.deaths),
        ("admissions", \.admissions),
        ("isolations", \.isolations),
        ("writes", \.writes),
        ("disconnections", \.disconnections),
    ]
}
