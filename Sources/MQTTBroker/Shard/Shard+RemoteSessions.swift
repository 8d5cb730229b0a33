import MQTTCodec
import NIOCore

// The side of a connection whose session is at home in another shard. Packets that concern the session go there; PUBLISH at QoS 0
// and 1, PINGREQ and the keep alive are the connection's own.
extension Shard {
    /// Passes a packet on to the home of the session. After SUBSCRIBE, UNSUBSCRIBE and DISCONNECT the packets behind wait for the
    /// answer, as they do if the session is in this shard.
    mutating func passOn(_ packet: Packet, of connection: Connection) {
        guard let session = connection.remoteSession else { return }
        let isLast =
            switch packet {
            case .subscribe, .unsubscribe, .disconnect: true
            default: false
            }
        let version = connection.outbound.version
        if let octets = session.unsettled?.pass(packet, version: version) {
            // Otherwise the link to the home may have lost an earlier packet, and the next resumption tells this one, too.
            if lanes.leader(of: session.claim.lane) == session.home {
                effects.passOn(isLast: isLast, of: connection.reference, to: session.home) {
                    $0.writeImmutableBuffer(octets)
                }
            }
        } else {
            effects.passOn(isLast: isLast, of: connection.reference, to: session.home) {
                $0.write(packet, version: version)
            }
        }
        if isLast { connection.waiting = .home }
    }

    /// Handles what the home of a session tells of a connection. A connection that has ended has told the home so.
    mutating func handle(
        _ message: ShardMessage.ToConnection,
        for reference: ConnectionReference,
        from home: ShardReference,
        now: Instant
    ) {
        if case .attached(let claim, let isPresent) = message {
            attached(claim, isPresent: isPresent, by: home, now: now)
            return
        }
        if case .lost = message {
            lost(reference, by: home, now: now)
            return
        }
        guard let connection = connections[reference], let session = connection.remoteSession, session.home == home
        else { return }
        if case .resumed(let number) = message {
            if number == session.resumptions { session.isResuming = false }
            return
        }
        if session.isResuming { return }
        switch message {
        case .attached, .resumed, .lost:
            return
        case .output(let output, let sent, let answer):
            markDirty(connection)
            if !sent.isEmpty { session.unsettled?.sent(sent) }
            session.untoldOctets += output.count
            connection.outbound.output.append(output, next: effects.takeBuffer())
            switch answer {
            case .none: break
            case .complete: answered(connection, session, now: now)
            case .acknowledged: session.isAcknowledged = true
            }
        case .settled(let octets):
            session.unsettled?.settle(octets: octets)
            // The shell may read on.
            markDirty(connection)
        case .heldUp(let isHeldUp):
            session.isHeldUp = isHeldUp
            if !isHeldUp { progressed(connection, now: now) }
            // The shell is to read on, or not.
            markDirty(connection)
        case .ended(let output, let reason):
            markDirty(connection)
            connection.outbound.output.append(output, next: effects.takeBuffer())
            connection.endReason = reason
            leave(connection, publishesWill: false, .byHome, now: now)
        }
    }

    /// The home has answered the packet that the connection waits for: the next ones are handled, and the shell is to read on.
    private mutating func answered(_ connection: Connection, _ session: RemoteSession, now: Instant) {
        guard case .home = connection.waiting else { return }
        connection.waiting = nil
        session.isAcknowledged = false
        session.unsettled?.answerLast()
        handlePending(connection, now: now)
    }

    /// Tells the home how many octets the transport has been given, once they are a good part of what may be under way.
    mutating func tellTaken(by connection: Connection) {
        guard let session = connection.remoteSession, !connection.outbound.isBlocked,
            session.untoldOctets > connection.outbound.highWaterMark / 4
        else { return }
        send(.toHome(connection.reference, .taken(session.untoldOctets)), to: session.home)
        session.untoldOctets = 0
    }
}
