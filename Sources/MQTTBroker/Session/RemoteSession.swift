/// What the shard of a connection knows of the client's durable session, which is at home in another shard. There a *deputy* stands
/// for the connection.
final class RemoteSession {
    /// The shard where the session is.
    let home: ShardReference
    let clientIdentifier: UTF8Key
    /// `Session.identity` of the client.
    let identity: UInt64
    /// Octets from the home that the transport has been given, and that the home has not been told of yet.
    var untoldOctets = 0
    /// True while the home wants no more to be read, since too many acknowledgements wait there.
    var isHeldUp = false

    init(home: ShardReference, clientIdentifier: UTF8Key, identity: UInt64) {
        self.home = home
        self.clientIdentifier = clientIdentifier
        self.identity = identity
    }
}
