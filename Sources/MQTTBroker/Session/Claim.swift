import MQTTCodec

/// A CONNECT that asks the home of its client identifier for the session.
final class Claim: Sendable {
    let client: UTF8Key
    /// `Session.identity` of the client.
    let identity: UInt64
    /// Of the connection that is to get the session.
    let connection: ConnectionReference
    let cleanStart: Bool
    /// Seconds that the session outlives its connection. With 0 a new session stays with its connection.
    let expiryInterval: UInt32
    /// What a deputy of the connection has to know.
    let peer: Peer
    let isBridge: Bool
    let version: ProtocolVersion
    let receiveMaximum: Int
    let maximumPacketSize: Int
    let will: Connect.Will?

    init(of connection: Connection, _ connect: Connect, expiryInterval: UInt32) {
        client = UTF8Key(connect.clientIdentifier)
        identity = Session.identity(of: client)
        self.connection = connection.reference
        cleanStart = connect.cleanStart
        self.expiryInterval = expiryInterval
        peer = Peer(
            address: connection.peer.address,
            listener: connection.peer.listener,
            certificate: connection.peer.certificate
        )
        isBridge = connection.isBridge
        version = connection.outbound.version
        receiveMaximum = connection.outbound.receiveMaximum
        maximumPacketSize = connection.outbound.maximumPacketSize
        will = connect.will
    }

    /// A claim that another node has sent.
    ///
    /// - Parameter connection: that is to get the session.
    init(
        _ client: UTF8Key,
        of connection: ConnectionReference,
        cleanStart: Bool,
        expiryInterval: UInt32,
        peer: Peer,
        isBridge: Bool,
        version: ProtocolVersion,
        receiveMaximum: Int,
        maximumPacketSize: Int,
        will: Connect.Will?
    ) {
        self.client = client
        identity = Session.identity(of: client)
        self.connection = connection
        self.cleanStart = cleanStart
        self.expiryInterval = expiryInterval
        self.peer = peer
        self.isBridge = isBridge
        self.version = version
        self.receiveMaximum = receiveMaximum
        self.maximumPacketSize = maximumPacketSize
        self.will = will
    }

    /// True if the client wants nothing of an older session, and leaves none behind.
    var isTransient: Bool { cleanStart && expiryInterval == 0 }

    var lane: Lane { Lane(clientHash: identity) }
}
