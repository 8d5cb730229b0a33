package import MQTTCodec
import NIOCore

/// One network connection, or a data stream beside one, as its shard sees it. The shell keeps the connection beside its
/// transport, tells the shard what arrives, and writes out what the shard leaves in `outbound`.
package final class Connection {
    /// The name of the connection. Its deputy has the same.
    let reference: ConnectionReference
    /// True if this stands for the connection at the home of the session.
    let isDeputy: Bool
    package internal(set) var peer: Peer
    let limits: SharedLimits

    // Only the shard touches these three, and never in two calls at once, but for every packet. Debug builds check it (SE-0176).
    #if !DEBUG
        @exclusivity(unchecked)
    #endif
    var inbound: Inbound
    #if !DEBUG
        @exclusivity(unchecked)
    #endif
    var outbound: Outbound

    #if !DEBUG
        @exclusivity(unchecked)
    #endif
    var traffic = Traffic()

    var state = State.new
    /// The session of the client or of the data stream; `nil` unless `state` is `connected`, and if the session is remote.
    #if !DEBUG
        @exclusivity(unchecked)
    #endif
    var session: Session?
    /// The session, if it is at home in another shard.
    #if !DEBUG
        @exclusivity(unchecked)
    #endif
    var remoteSession: RemoteSession?
    /// Why packets have to wait; `nil` if they do not.
    #if !DEBUG
        @exclusivity(unchecked)
    #endif
    var waiting: Waiting?

    /// True if the peer has ended its side of the transport: nothing arrives any more.
    var isFinished = false
    /// True if the transport is closed, and the connection is kept until the packets that arrived before are handled.
    var isGone = false
    /// Of a deputy: true if the connection's shard waits to be told that the last packet is answered, and what its next output tells of that.
    var owesAnswer = false
    var answer = ShardMessage.Answer.none
    /// Of a deputy that has ended: true if the connection's shard is told nothing of that, since the connection may go on.
    var isParted = false
    /// What the client said of itself; `nil` before CONNECT is accepted, and of deputies and data streams.
    var profile: ClientProfile?
    /// True if the client is the bridge of another broker.
    var isBridge = false
    /// The reason code of DISCONNECT, or what it would be, with which either side ended the connection; `nil` if neither side
    /// had one.
    package internal(set) var endReason: ReasonCode?

    /// The connection that a data stream belongs to; `nil` for a connection.
    let control: Connection?
    /// The open data streams of the connection.
    var streams: [Connection] = []
    /// One and a half times the Keep Alive of CONNECT [MQTT-3.1.2-22]; `nil` if it is 0.
    var keepAlive: TimeAmount?
    let accepted: NIODeadline
    /// When the connection's silence is judged next.
    var deadline: Deadline.Handle?
    var will: Connect.Will?
    /// PUBACK and PUBREC that wait for receipts; `nil` if none ever did.
    var withheld: WithheldAcknowledgements?
    /// Packets that wait for a commit; `nil` if none ever did.
    var deferred: DeferredOutput?
    /// Of the deputy of a connection in a cluster: how far its packets are settled; `nil` for others.
    var settlement: Settlement?

    /// How far the connection is, as MQTT sees it.
    enum State {
        /// CONNECT is not accepted yet; of a data stream, that of its client.
        case new
        case connected
        case closed
    }

    init(
        _ reference: ConnectionReference,
        isDeputy: Bool = false,
        peer: Peer,
        control: Connection?,
        limits: SharedLimits,
        now: Instant
    ) {
        self.reference = reference
        self.isDeputy = isDeputy
        self.peer = peer
        self.control = control
        self.limits = limits
        inbound = Inbound(
            decoder: PacketDecoder(role: .server, maximumPacketSize: limits.values.maximumPacketSize),
            now: now.monotonic
        )
        outbound = Outbound(highWaterMark: limits.values.outputHighWaterMark)
        accepted = now.monotonic
    }

    /// What the connection has carried, with its data streams.
    var wholeTraffic: Traffic { streams.reduce(into: traffic) { $0 += $1.traffic } }

    /// The place of the connection in its shard, for the shell's own table. Reused after `Shard.closed`.
    package var slot: Int { reference.slot }

    /// `Session.identity` of the client; 0 before CONNECT is accepted.
    var identity: UInt64 { session?.identity ?? remoteSession?.identity ?? 0 }

    /// The client identifier of the session; `nil` before CONNECT is accepted.
    var clientIdentifier: UTF8Key? { session?.clientIdentifier ?? remoteSession?.clientIdentifier }

    /// True for a data stream: it has packets without CONNECT, and a session that is subordinate to its client's.
    package var isDataStream: Bool { control != nil }

    /// True if what arrives may be somebody's replay of early data, since the handshake is not complete (RFC 8446 §8).
    var isEarly: Bool { peer.earlyData != nil }

    /// True if packets have to wait for the answer to an earlier one.
    var isHeld: Bool { waiting != nil }

    /// The CONNECT that is being answered; `nil` if none is.
    var pendingConnect: PendingConnect? {
        if case .connect(let pending) = waiting { pending } else { nil }
    }

    /// The SUBSCRIBE that is being answered; `nil` if none is.
    var pendingSubscribe: PendingSubscribe? {
        if case .subscribe(let pending) = waiting { pending } else { nil }
    }

    /// True if the client half-closed behind CONNECT before the authenticator answered, as a client does whose patience is at
    /// an end: its next connection is not to be taken over by this one.
    var hasGivenUp: Bool { isFinished && inbound.pending.readableBytes == 0 }

    /// True if answers to packets of the client wait for commits.
    var hasWithheldAnswers: Bool { withheld?.isEmpty == false || deferred?.isEmpty == false }

    /// True if packets wait for an answer that is on its way: a client that sends DISCONNECT as its last packet and closes is to
    /// be heard to the end.
    var hasUnheardPackets: Bool {
        switch waiting {
        case .connect, .subscribe, .home:
            !isEarly && !isDataStream
                && (inbound.pending.readableBytes > 0 || remoteSession?.unsettled.map { $0.octets > 0 } == true)
        case .client, .handshake, .attachment, nil: false
        }
    }

    /// True if as many acknowledgements wait for receipts as may (`Limits.maximumWithheld`), here or at the home of the session.
    var isHeldUp: Bool { withheld?.heldUpSince != nil || remoteSession?.isHeldUp == true || hasMuchUnsettled }

    /// True if as many octets that the home of the session has not settled are kept as may be (`Limits.maximumWithheldBytes`).
    private var hasMuchUnsettled: Bool {
        remoteSession?.unsettled.map { $0.octets >= limits.values.maximumWithheldBytes } ?? false
    }

    /// True if the shell has to close the transport once the output is written.
    package var isClosed: Bool { state == .closed }

    /// True if the shell has to leave octets in the transport for now: the peer does not read what it is sent, or has sent as
    /// much as is held for it while an answer is due. A data stream gets no credit before CONNACK.
    package var isReadingPaused: Bool {
        if outbound.isBlocked || isHeldUp { return true }
        switch waiting {
        case nil: return false
        case .client, .attachment: return true
        case .connect, .subscribe, .home, .handshake:
            return inbound.pending.readableBytes >= limits.values.maximumHeldBytes
        }
    }
}
