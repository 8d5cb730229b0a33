import MQTTCodec
import NIOCore

// The home's side of a session whose client is connected to another shard. A deputy stands for the connection, and one for each of
// its data streams: a `Connection` whose octets come from that shard and go to it. So a session has one kind of connection.
extension Shard {
    /// Adds the deputy of a connection that is attached to a session.
    mutating func addDeputy(for claim: Claim, now: Instant) -> Connection {
        let deputy = Connection(
            claim.connection,
            isDeputy: true,
            peer: claim.peer,
            control: nil,
            limits: sharedLimits,
            now: now
        )
        if neighbours != nil { deputy.settlement = Settlement() }
        deputy.isBridge = claim.isBridge
        deputy.outbound.version = claim.version
        deputy.outbound.receiveMaximum = claim.receiveMaximum
        deputy.outbound.maximumPacketSize = claim.maximumPacketSize
        deputy.inbound.decoder = deputyDecoder(version: claim.version)
        deputies[claim.connection] = deputy
        return deputy
    }

    /// Handles what the shard of a connection tells of the connection. What comes for a deputy that has ended is ignored.
    mutating func handle(_ message: ShardMessage.ToHome, of reference: ConnectionReference, now: Instant) {
        guard let deputy = deputies[reference] else { return }
        switch message {
        case .opened(let stream):
            openDeputyStream(stream, of: deputy, now: now)
        case .packets(let octets, let isLast):
            receive(octets, isLast: isLast, on: deputy, now: now)
        case .taken(let octets):
            deputy.outbound.outstanding -= octets
            pump(deputy, now: now)
        case .addressChanged(let address):
            deputy.peer.identity.address = address
        case .finished:
            deputy.isFinished = true
            endIfFinished(deputy, now: now)
        case .parted(let publishesWill):
            leave(deputy, publishesWill: publishesWill, now: now)
        case .abandoned:
            leave(deputy, publishesWill: false, .abandoned, now: now)
        }
    }

    /// Tells the shard of a connection that its last packet is answered, once that is so, together with the answer.
    mutating func answer(_ deputy: Connection) {
        guard deputy.owesAnswer, !deputy.isHeld, !deputy.isClosed, deputy.settlement?.isAnswerDeferred != true else {
            return
        }
        deputy.owesAnswer = false
        deputy.answer = .complete
        if let settlement = deputy.settlement {
            settlement.answered()
            settle(deputy)
        }
        markDirty(deputy)
    }

    private mutating func openDeputyStream(_ reference: ConnectionReference, of control: Connection, now: Instant) {
        guard let session = control.session else { return }
        let stream = Connection(
            reference,
            isDeputy: true,
            peer: control.peer,
            control: control,
            limits: sharedLimits,
            now: now
        )
        deputies[reference] = stream
        add(stream, to: control)
        join(stream, to: control)
        stream.inbound.decoder = deputyDecoder(version: control.outbound.version)
        addSession(of: stream, beside: session)
    }

    /// Hands what the deputies have to send over to the shards of their connections.
    mutating func flushDeputies() {
        while let deputy = effects.popDirtyDeputy() {
            let reference = deputy.reference
            let output = takeOutput(of: deputy)
            var sent: [UInt16] = []
            if let settlement = deputy.settlement { swap(&sent, &settlement.sent) }
            if deputy.isClosed {
                if deputy.isParted { continue }
                send(.toConnection(reference, .ended(output, deputy.endReason)), to: reference.shard)
                continue
            }
            let answer = deputy.answer
            deputy.answer = .none
            if output.count > 0 || answer != .none {
                deputy.outbound.outstanding += output.count
                send(.toConnection(reference, .output(output, sent: sent, answer: answer)), to: reference.shard)
            }
            // Behind the answers.
            if let settled = deputy.settlement?.takeUntold(), settled > 0 {
                send(.toConnection(reference, .settled(settled)), to: reference.shard)
            }
        }
    }

    /// The shard of the connection has held each packet to the bound that the client was told, which may have been another one than this shard's. A packet
    /// that was encoded anew, with the topic in place of an alias, may be larger than the client may send.
    private func deputyDecoder(version: ProtocolVersion) -> PacketDecoder {
        PacketDecoder(role: .server, maximumPacketSize: Self.largestPacket + 65_536, version: version)
    }

    /// Octets of the largest packet of MQTT (MQTT 5.0 §1.5.5, §2.1.4).
    private static var largestPacket: Int { 268_435_455 }
}
