package import MQTTCodec
import NIOCore

/// One network connection, or a data stream beside one, as its shard sees it. The shell keeps it beside its transport,
/// tells the shard what arrives on it, and writes out what the shard leaves in it.
package final class Connection {
    /// The place of this connection in its shard, for the shell's own table. Reused after `Shard.closed`.
    package let slot: Int
    /// Never used twice in a shard.
    let number: UInt64
    package internal(set) var peer: Peer

    // The shard is the only one to touch these, never two of its calls at once, and they are touched for every packet.
    @exclusivity(unchecked) var decoder: PacketDecoder
    /// Empty unless `isDirty`.
    @exclusivity(unchecked) var output = Output(buffer: ByteBuffer())
    @exclusivity(unchecked) var isDirty = false
    @exclusivity(unchecked) var state = State.awaitingConnect
    /// Present while `state` is `connected` or `subscribing`.
    @exclusivity(unchecked) var session: Session?
    @exclusivity(unchecked) var version = ProtocolVersion.v5
    /// Set by the shell while its transport does not take more.
    @exclusivity(unchecked) var isBlocked = false
    /// The peer sends nothing after what has arrived.
    var isFinished = false
    /// Its transport is gone, and it is kept for what has arrived.
    var isGone = false
    /// Why it ended, in the words of DISCONNECT; `nil` where neither side had one to say.
    package internal(set) var endReason: ReasonCode?
    /// Octets of `output` beyond which messages wait: its share of what its client may be owed in a burst.
    @exclusivity(unchecked) var outputHighWaterMark: Int
    @exclusivity(unchecked) var lastPacket: NIODeadline
    /// When it was last found to take what it is sent after it had not, or to be read from again.
    var lastProgress: NIODeadline

    /// The connection that a data stream belongs to; `nil` for one that stands alone.
    let control: Connection?
    /// The data streams beside it that are open.
    var streams: [Connection] = []
    /// Present while `state` is `connecting`.
    var connect: PendingConnect?
    /// A packet's first octets whose rest has not arrived, or packets that wait while `isHeld`.
    @exclusivity(unchecked) var pending = ByteBuffer()
    var keepAlive: TimeAmount?
    let accepted: NIODeadline
    /// The one deadline at which this connection is looked at.
    var lookDue: NIODeadline?
    var will: Connect.Will?
    /// What the client can take (MQTT 5.0 §3.1.2.11.3, §3.1.2.11.4).
    var receiveMaximum = 65_535
    var maximumPacketSize = Int.max
    /// Whether the client is another broker's bridge.
    var isBridge = false
    var topicAliases = TopicAliases()
    /// QoS 2 messages that this connection has brought, less those that it has released: what its Receive Maximum counts
    /// (MQTT 5.0 §4.9). It begins anew with every connection, unlike the session's identifiers.
    var unreleased = 0

    enum State {
        case awaitingConnect
        /// CONNECT is being answered: by the authenticator, by the directory, by the shard that has the session. A data
        /// stream is in this state until its client is connected.
        case connecting
        case connected
        /// SUBSCRIBE is being answered by the other shards.
        case subscribing
        case closed
    }

    init(slot: Int, number: UInt64, peer: Peer, control: Connection? = nil, limits: Limits, now: NIODeadline) {
        self.slot = slot
        self.number = number
        self.peer = peer
        self.control = control
        self.decoder = PacketDecoder(role: .server, maximumPacketSize: limits.maximumPacketSize)
        self.outputHighWaterMark = limits.outputHighWaterMark
        self.accepted = now
        self.lastPacket = now
        self.lastProgress = now
    }

    /// Whether it is a data stream: packets without CONNECT and of a session that is subordinate to its client's.
    package var isDataStream: Bool { control != nil }

    /// Whether what arrives may be the replay of somebody else: the handshake is not complete.
    var isEarly: Bool { peer.earlyData != nil }

    /// Whether packets have to wait for an answer to an earlier one.
    var isHeld: Bool {
        switch state {
        case .connecting, .subscribing: true
        case .connected: peer.earlyData == .connectOnly
        case .awaitingConnect, .closed: false
        }
    }

    /// Keeps octets that cannot be packets yet, while nothing else waits: a slice would pin the transport's whole read
    /// buffer. There is room for the rest of a packet, but not for one of which hardly anything has arrived.
    func keep(_ bytes: ByteBuffer) {
        let arrived = bytes.readableBytes
        let size = (try? decoder.sizeOfFirst(in: bytes)) ?? arrived
        pending = ByteBufferAllocator().buffer(capacity: min(max(size, arrived), 4 * arrived))
        pending.writeImmutableBuffer(bytes)
    }

    /// Adds octets to those that wait: where these are a packet's first ones, no more than the rest of it, so that
    /// whatever follows can be read where it lies.
    func gather(from bytes: inout ByteBuffer) {
        var count = bytes.readableBytes
        if !isHeld, let size = try? decoder.sizeOfFirst(in: pending), size > pending.readableBytes {
            count = min(count, size - pending.readableBytes)
        }
        if let taken = bytes.readSlice(length: count) { pending.writeImmutableBuffer(taken) }
    }

    /// Whether nobody waits for a verdict any more that took its time: the client has ended its side behind CONNECT, as it does
    /// when its patience is at an end, and its next connection is not to be thrown out by this one.
    var hasGivenUp: Bool { isFinished && pending.readableBytes == 0 }

    /// Whether packets wait for an answer that is on its way: a client that sends all it has to say, DISCONNECT last, and
    /// closes is to be heard to the end.
    var hasMoreToSay: Bool {
        (state == .connecting || state == .subscribing) && !isEarly && !isDataStream && pending.readableBytes > 0
    }

    /// Whether the shell has to close the transport once the output is written.
    package var isClosed: Bool { state == .closed }

    /// Whether the shell has to leave octets in the transport for now: the peer does not read what it is sent, or sends
    /// more than is held for it while an answer is due. A data stream gets no credit at all before CONNACK.
    package func isReadingPaused(limits: Limits) -> Bool {
        isBlocked || isHeld && pending.readableBytes >= limits.maximumHeldBytes
            || isDataStream && state == .connecting
    }
}

/// A CONNECT that is being answered: for a moment of a connection's life, and so not a part of it.
final class PendingConnect {
    let packet: Connect
    /// Whether the identifier is the server's choice, which CONNACK tells [MQTT-3.2.2-16].
    let hasAssignedIdentifier: Bool

    init(_ packet: Connect, hasAssignedIdentifier: Bool = false) {
        self.packet = packet
        self.hasAssignedIdentifier = hasAssignedIdentifier
    }
}
