import DequeModule
import MQTTCodec
import NIOCore

// The ends of connections and sessions.
extension Shard {
    /// DISCONNECT (MQTT 5.0 §3.14).
    mutating func handle(_ disconnect: Disconnect, on connection: Connection, now: Instant) {
        guard let session = connection.session else {
            passOn(.disconnect(disconnect), of: connection)
            return
        }
        // DISCONNECT on a data stream ends the stream, and does not concern the session.
        if !connection.isDataStream, let interval = disconnect.sessionExpiryInterval {
            // A session that ends with its connection cannot be prolonged then [MQTT-3.14.2-2].
            if session.expiryInterval == 0, interval != 0 {
                fail(connection, .protocolError, now: now)
                return
            }
            session.expiryInterval = min(interval, limits.maximumSessionExpiryInterval)
        }
        connection.endReason = .normalDisconnection
        // Only 0x00 discards the will [MQTT-3.14.4-3].
        leave(connection, publishesWill: disconnect.reasonCode != .normalDisconnection, now: now)
        markDirty(connection)
    }

    /// Ends a connection, and tells the peer the reason as far as its MQTT version can say it. A data stream is ended without a
    /// packet: the shell resets it with the reason.
    mutating func fail(_ connection: Connection, _ reason: ReasonCode, now: Instant) {
        if connection.isClosed { return }
        connection.endReason = reason
        if connection.isDataStream {
            counters.streamsFailed += 1
            markDirty(connection)
            leave(connection, publishesWill: false, now: now)
            return
        }
        if connection.state == .connected {
            writeIfTaken(.disconnect(Disconnect(reasonCode: reason)), to: connection)
        } else {
            counters.connectionsRefused += 1
            tell(.refused, connection, reason)
            markDirty(connection)
            if reason == .unsupportedProtocolVersion {
                // The answer is in the form of the version that all clients know [MQTT-3.1.2-2].
                connection.outbound.version = .v3_1_1
                refuse(connection, reason)
            } else if connection.pendingConnect != nil || connection.inbound.decoder.version == .v5 {
                refuse(connection, reason)
            }
            // Otherwise MQTT 3.1.1 wants no CONNACK, or the peer is no MQTT client at all [MQTT-3.1.4-1].
        }
        leave(connection, publishesWill: true, now: now)
    }

    private mutating func refuse(_ connection: Connection, _ reason: ReasonCode) {
        writeIfTaken(.connectAcknowledgement(ConnectAcknowledgement(reasonCode: reason)), to: connection)
    }

    /// How a connection parts from its session.
    enum Parting {
        case usual
        /// The home of the session, another shard, has ended the connection.
        case byHome
        /// A deputy: its connection had ended before it was attached to the session.
        case abandoned
        /// A deputy: a link to its connection has lost messages. The connection may go on with the session.
        case unheard
        /// A deputy: its connection goes on with the session through another deputy.
        case goesOn
    }

    /// Parts a connection from its session. The shell closes the transport once the output is written.
    mutating func leave(
        _ connection: Connection,
        publishesWill: Bool,
        _ parting: Parting = .usual,
        now: Instant
    ) {
        let session = connection.session
        // Before CONNACK nothing has changed for the session.
        let isUnknown = session != nil && connection.state != .connected
        let isDeputy = connection.isDeputy
        if connection.state == .connected, !connection.isDataStream, !isDeputy {
            tell(.disconnected, connection, connection.endReason)
        }
        let will = connection.will
        deadlines.cancel(&connection.deadline)
        cancelLookUps(of: connection)
        connection.state = .closed
        connection.waiting = nil
        endStreams(of: connection, now: now)
        if let control = connection.control {
            control.traffic += connection.traffic
            remove(connection, from: control)
        }
        connection.session = nil
        connection.will = nil
        if isDeputy {
            deputies[connection.reference] = nil
            connection.isParted = parting == .unheard || parting == .goesOn
        }
        if let remote = connection.remoteSession {
            connection.remoteSession = nil
            if parting != .byHome {
                let parted = ShardMessage.ToHome.parted(publishesWill: publishesWill && !isShuttingDown)
                send(.toHome(connection.reference, parted), to: remote.home)
            }
        }
        connection.inbound.pending = ByteBuffer()
        connection.inbound.topicAliases = TopicAliases()
        dropWithheld(of: connection, now: now)
        connection.deferred = nil
        connection.settlement = nil
        if connection.isGone { free(connection) }
        guard let session, session.connection === connection else { return }
        session.connection = nil
        if let parent = session.parent {
            merge(session, into: parent, now: now)
            return
        }

        if parting == .abandoned || isUnknown {
            // A will whose delay ran until then: the client has not come back.
            if let delayed = session.delayedWill { postpone(delayed, of: session) }
            startAbsence(of: session, now: now)
            return
        }
        session.delayedWill = nil
        if publishesWill, let will {
            let interval = min(
                will.properties.isEmpty ? 0 : will.properties.values.willDelayInterval ?? 0,
                session.expiryInterval
            )
            let delay = max(.seconds(Int64(interval)), parting == .unheard ? limits.restartPatience : .zero)
            if delay == .zero {
                publish(will, of: session, now: now)
            } else {
                postpone(Session.DelayedWill(will: will, due: now.monotonic + delay), of: session)
            }
        }
        startAbsence(of: session, now: now)
    }

    mutating func postpone(_ will: Session.DelayedWill, of session: Session) {
        session.delayedWill = will
        session.willDeadline = deadlines.add(.will(session), at: will.due)
    }

    /// The client is away: its session ends after its expiry interval [MQTT-3.1.2-23].
    ///
    /// - Parameter since: when the client went, by the wall clock, if that was in an earlier run.
    mutating func startAbsence(of session: Session, since: Int64? = nil, now: Instant) {
        if session.expiryInterval == 0 {
            end(session, now: now)
            return
        }
        session.awaySince = since ?? now.wall
        session.outgoing.queue.dropFetched()
        if since == nil, session.lane != nil {
            let away = away(session, now: now)
            log(away, of: session)
        }
        if session.expiryInterval != .max {
            let start = since.map { now.monotonic(of: $0) } ?? now.monotonic
            let due = max(now.monotonic, start + .seconds(Int64(session.expiryInterval)))
            session.endDeadline = deadlines.add(.sessionEnd(session), at: due)
        }
    }

    /// The record that the client is away, and of what is to happen meanwhile.
    func away(_ session: Session, now: Instant) -> LaneRecord {
        .away(
            session.number,
            since: session.awaySince,
            expiryInterval: session.expiryInterval,
            will: session.delayedWill?.will,
            due: session.delayedWill.map { now.wall(of: $0.due) } ?? 0
        )
    }

    /// The client is back, or its session ends.
    mutating func cancelDeadlines(of session: Session) {
        deadlines.cancel(&session.willDeadline)
        deadlines.cancel(&session.endDeadline)
    }

    /// Ends a session whose client is away. Its delayed will is published now at the latest [MQTT-3.1.3-9].
    mutating func end(_ session: Session, now: Instant) {
        publishDelayedWill(of: session, now: now)
        discard(session)
        guard session.lane == nil, let holder = session.holder else { return }
        let lane = Lane(clientHash: session.identity)
        if neighbours != nil { lanes.letIn[holder] = nil }
        sendToLeader(of: lane, .ended(session.clientIdentifier, of: holder))
    }

    mutating func discard(_ session: Session) {
        log(.ended(session.number), of: session)
        if let lane = session.lane {
            for segment in session.outgoing.queue.segments { lanes.remove(segment, of: lane) }
        }
        erase(session)
    }

    mutating func erase(_ session: Session) {
        cancelDeadlines(of: session)
        for filter in session.subscriptions.keys { removeFromRouter(session, filter) }
        session.clear()
        sessions.remove(session)
    }

    mutating func publishDelayedWill(of session: Session, now: Instant) {
        guard let delayed = session.delayedWill else { return }
        session.delayedWill = nil
        log(.willPublished(session.number), of: session)
        publish(delayed.will, of: session, now: now)
    }
}
