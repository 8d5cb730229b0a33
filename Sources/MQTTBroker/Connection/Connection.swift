import MQTTCodec
package import NIOCore

/// One network connection, as its shard sees it. The shell keeps it beside its transport, tells the shard what arrives
/// on it, and writes out what the shard leaves in it.
package final class Connection {
    /// The place of this connection in its shard, for the shell's own table. Reused after `Shard.forget`.
    package let slot: Int
    /// Never used twice in a shard.
    let number: UInt64
    package let peer: Peer

    var decoder: PacketDecoder
    /// A packet's first octets whose rest has not arrived, or packets that wait while `isHeld`.
    var pending = ByteBuffer()
    /// Empty unless `isDirty`.
    var output = Output(buffer: ByteBuffer())
    var isDirty = false
    var state = State.awaitingConnect
    var version = ProtocolVersion.v5
    var keepAlive: TimeAmount?
    let accepted: NIODeadline
    var lastPacket: NIODeadline
    var will: Connect.Will?
    /// What the client can take (MQTT 5.0 §3.1.2.11.3, §3.1.2.11.4).
    var receiveMaximum = 65_535
    var maximumPacketSize = Int.max
    var topicAliases = TopicAliases()
    /// Told in CONNACK where the client brought none [MQTT-3.2.2-16].
    var assignedClientIdentifier: String?
    /// Set by the shell while its transport does not take more.
    var isBlocked = false

    enum State {
        case awaitingConnect
        /// CONNECT is being answered: by the authenticator, by the directory, by the shard that has the session.
        case connecting(Connect)
        case connected(Session)
        /// SUBSCRIBE is being answered by the other shards.
        case subscribing(Session)
        case closed
    }

    init(slot: Int, number: UInt64, peer: Peer, maximumPacketSize: Int, now: NIODeadline) {
        self.slot = slot
        self.number = number
        self.peer = peer
        self.decoder = PacketDecoder(role: .server, maximumPacketSize: maximumPacketSize)
        self.accepted = now
        self.lastPacket = now
    }

    /// Whether packets have to wait for an answer to an earlier one.
    var isHeld: Bool {
        switch state {
        case .connecting, .subscribing: true
        case .awaitingConnect, .connected, .closed: false
        }
    }

    var session: Session? {
        switch state {
        case .connected(let session), .subscribing(let session): session
        case .awaitingConnect, .connecting, .closed: nil
        }
    }

    /// Whether the shell has to close the transport once the output is written.
    package var isClosed: Bool { if case .closed = state { true } else { false } }

    /// Whether the shell has to leave octets in the transport for now: the peer does not read what it is sent, or sends
    /// more than is held for it while an answer is due.
    package func isReadingPaused(limits: Limits) -> Bool {
        isBlocked || isHeld && pending.readableBytes >= limits.maximumHeldBytes
    }
}

/// Where a connection comes from.
package struct Peer: Sendable {
    package let address: SocketAddress?
    /// Name of the listener, such as `tcp:default`.
    package let listener: String

    package init(address: SocketAddress?, listener: String) {
        self.address = address
        self.listener = listener
    }
}
