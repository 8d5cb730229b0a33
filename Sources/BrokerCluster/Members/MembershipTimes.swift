package import NIOCore

/// The times that membership goes by. Only the rates of the nodes' clocks have to agree.
package struct MembershipTimes: Sendable, Equatable {
    /// From one heartbeat to the next.
    package var heartbeat: TimeAmount = .milliseconds(150)
    /// A node that is not heard of for so long is suspected.
    package var lease: TimeAmount = .seconds(1)
    /// From one question without responders to the next; after the second one the node is suspected.
    package var askPause: TimeAmount = .milliseconds(300)
    /// A node that nobody has heard of for so long is dead (`cluster.dead_after`). 2 s to 10 min.
    package var deadAfter: TimeAmount

    package init(deadAfter: TimeAmount = .seconds(10)) { self.deadAfter = deadAfter }

    /// How often deadlines are looked at.
    var tick: TimeAmount { .nanoseconds(heartbeat.nanoseconds / 4) }

    /// Two heartbeats are missing.
    var askAfter: TimeAmount { .nanoseconds(heartbeat.nanoseconds * 9 / 4) }

    /// Without its own heartbeats for so long a node cannot tell whether others are silent, and suspects nobody.
    var deafAfter: TimeAmount { lease - heartbeat }

    /// The age from which on an echo is no lease: sooner than others suspect.
    var leaseEcho: TimeAmount { .nanoseconds(lease.nanoseconds * 6 / 10) }

    /// The age from which on echoes and confirmations are not enough, and the node is isolated: sooner than others declare it dead.
    var isolatedAfter: TimeAmount { .nanoseconds(deadAfter.nanoseconds * 6 / 10) }

    /// The age of an echo from which on a node confirms its record, and the time from one confirmation to the next.
    var confirmAfter: TimeAmount { .nanoseconds(deadAfter.nanoseconds / 5) }

    /// The age of an echo up to which its node counts among those that declare a node dead together.
    var freshEcho: TimeAmount { min(lease, .nanoseconds(deadAfter.nanoseconds / 5)) }

    /// What `deadAfter` is for nodes that are less than half of the members. It is longer than the bucket's stream is without a leader.
    var deadAfterForFew: TimeAmount { max(.seconds(30), .nanoseconds(deadAfter.nanoseconds * 3)) }

    /// From one attempt to write or remove a record to the next.
    static let retry: TimeAmount = .milliseconds(600)
}
