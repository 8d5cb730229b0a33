/// What one connection or data stream has carried since it was accepted: 32 octets for each, which the message path only adds to. What a data
/// stream has carried is added to its connection's when it ends.
///
/// Of a client whose durable session is at home in another shard, the connection counts what its shard handles, and the deputy counts what the home
/// handles: the client's messages are their sums, and its octets are the connection's.
struct Traffic: Equatable {
    /// PUBLISH packets of the client.
    var messagesReceived: UInt64 = 0
    /// PUBLISH packets that were written to the client.
    var messagesSent: UInt64 = 0
    var octetsReceived: UInt64 = 0
    var octetsSent: UInt64 = 0

    static func += (left: inout Traffic, right: Traffic) {
        left.messagesReceived &+= right.messagesReceived
        left.messagesSent &+= right.messagesSent
        left.octetsReceived &+= right.octetsReceived
        left.octetsSent &+= right.octetsSent
    }
}
