import MQTTCodec
package import NIOCore

// What the shell tells of transports.
extension Shard {
    /// A transport is up. The client's CONNECT is due within `Limits.connectTimeout`.
    package mutating func accept(_ peer: Peer, now: Instant) -> Connection {
        let connection = connections.add(peer, limits: sharedLimits, now: now)
        counters.connectionsAccepted += 1
        if isShuttingDown {
            leave(connection, publishesWill: false, now: now)
            markDirty(connection)
        } else {
            check(connection, noLaterThan: now.monotonic + limits.connectTimeout)
        }
        return connection
    }

    /// The peer has ended its side of the transport: the connection ends once all that has arrived is handled and answered.
    package mutating func finished(_ connection: Connection, now: Instant) {
        connection.isFinished = true
        endIfFinished(connection, now: now)
        drainLocal(now: now)
    }

    mutating func endIfFinished(_ connection: Connection, now: Instant) {
        guard connection.isFinished, !connection.isHeld, !connection.isClosed,
            // Of a store that takes nothing for now, no answer is to be expected soon.
            !connection.hasWithheldAnswers || isSuspended
        else { return }
        if let remote = connection.remoteSession {
            // The home may still have answers to give, and then ends the connection.
            connection.waiting = .home
            send(.toHome(connection.reference, .finished), to: remote.home)
            return
        }
        leave(connection, publishesWill: !isShuttingDown, now: now)
        markDirty(connection)
    }

    /// The handshake of an early connection is complete: what the client sends is its own, and packets that waited for that are
    /// handled.
    package mutating func confirmed(_ connection: Connection, now: Instant) {
        for stream in [connection] + connection.streams {
            stream.peer.earlyData = nil
            if case .handshake = stream.waiting { stream.waiting = nil }
        }
        if !connection.isClosed { handlePending(connection, now: now) }
        for stream in connection.streams where !stream.isClosed {
            handlePending(stream, now: now)
            // The shell is to read on.
            markDirty(stream)
        }
        drainLocal(now: now)
    }

    /// The transport is closed; nothing more can be sent. Frees the slot, at once or when what arrived before is handled. The
    /// data streams of a connection have ended with it, and their slots are to be freed likewise.
    package mutating func closed(_ connection: Connection, now: Instant) {
        if connection.hasUnheardPackets, connections.goneCount < limits.maximumGoneConnections {
            connections.markGone(connection)
            connection.isFinished = true
        } else {
            if connection.hasUnheardPackets { counters.connectionsUnheard += 1 }
            leave(connection, publishesWill: true, now: now)
            free(connection)
        }
        drainLocal(now: now)
    }

    mutating func free(_ connection: Connection) {
        guard connections.remove(connection) else { return }
        if connection.isDataStream {
            counters.streamsClosed += 1
        } else {
            counters.connectionsClosed += 1
        }
    }

    /// The peer has proved to be at another address (RFC 9000 §9). Until then everything goes by the address before.
    package mutating func addressChanged(_ connection: Connection, to address: SocketAddress) {
        connection.peer.identity.address = address
        for stream in connection.streams { stream.peer.identity.address = address }
        counters.addressChanges += 1
        if let remote = connection.remoteSession {
            send(.toHome(connection.reference, .addressChanged(address)), to: remote.home)
        }
    }

    /// The transport has learned more of the client since the connection was accepted, and before its first packet.
    package mutating func identified(_ connection: Connection, by identity: Peer.Identity) {
        connection.peer.identity.add(identity)
    }

    /// The transport has ceased or begun to take what it is given.
    package mutating func setBlocked(_ isBlocked: Bool, _ connection: Connection, now: Instant) {
        if isBlocked, !connection.outbound.isBlocked { counters.transportsBlocked += 1 }
        if !isBlocked, connection.outbound.isBlocked { progressed(connection, now: now) }
        connection.outbound.isBlocked = isBlocked
        if !isBlocked { flushed(connection, now: now) }
    }

    /// A transport that was full has taken something.
    package mutating func progressed(_ connection: Connection, now: Instant) {
        (connection.control ?? connection).inbound.lastProgress = now.monotonic
    }

    /// The transport has taken all that it was given: messages that waited for `Outbound.hasRoom` can go.
    package mutating func flushed(_ connection: Connection, now: Instant) {
        pump(connection, now: now)
        tellTaken(by: connection)
    }

    /// The shell has ceased to read from all connections.
    package mutating func stall() { isStalled = true }

    /// The shell reads from all connections again, also from those in `unread`, from which it did not.
    package mutating func readAgain(_ unread: [Connection], now: Instant) {
        isStalled = false
        for connection in unread { progressed(connection, now: now) }
    }

    /// The outcome of an authentication that took its time.
    package mutating func authenticated(
        _ reference: ConnectionReference,
        _ verdict: Authenticator.Verdict,
        now: Instant
    ) {
        guard let connection = connections[reference], let pending = connection.pendingConnect else { return }
        if connection.hasGivenUp {
            leave(connection, publishesWill: false, now: now)
            markDirty(connection)
            return
        }
        admit(pending.packet, on: connection, verdict: verdict, now: now)
        drainLocal(now: now)
    }

    /// Ends all connections, with DISCONNECT 0x8B where the version has it [MQTT-3.14.4-1]. Wills are not published, since no
    /// client is left to read them. A transport that comes up later is closed at once.
    package mutating func shutDown(now: Instant) {
        isShuttingDown = true
        for connection in connections.all where !connection.isClosed {
            connection.will = nil
            fail(connection, .serverShuttingDown, now: now)
        }
        drainLocal(now: now)
    }
}
