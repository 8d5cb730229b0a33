import NIOCore

/// What the shard of a connection knows of the client's durable session, which is at home in another shard. There a *deputy* stands
/// for the connection. In a cluster that is so, too, if the home is the same shard, since the home may change.
final class RemoteSession {
    /// The shard where the session is, or was: in a cluster, its lane may be without a leader.
    var home: ShardReference
    /// The claim by which the connection got the session.
    let claim: Claim
    /// Octets from the home that the transport has been given, and that the home has not been told of yet.
    var untoldOctets = 0
    /// True while the home wants no more to be read, since too many acknowledgements wait there.
    var isHeldUp = false
    /// How often the connection has gone on with the session at another home.
    var resumptions: UInt64 = 0
    /// True until the home has answered the last `resume`: what comes before is of an earlier time of that home.
    var isResuming = false
    /// True from SUBACK until the retained messages for that SUBSCRIBE have come.
    var isAcknowledged = false
    /// What another home would have to know; `nil` without a cluster.
    var unsettled: Unsettled?

    var clientIdentifier: UTF8Key { claim.client }
    /// `Session.identity` of the client.
    var identity: UInt64 { claim.identity }

    init(home: ShardReference, claim: Claim, isShared: Bool) {
        self.home = home
        self.claim = claim
        unsettled = isShared ? Unsettled() : nil
    }
}
