import MQTTCodec

// Events of clients, for the log. An event of a kind that is not wanted costs one test of a bit.
extension Shard {
    /// Collects events of these kinds from now on, and none of other kinds.
    ///
    /// - Parameter once: kinds of which one event a window is collected and further ones are counted.
    package mutating func wantEvents(_ kinds: ShardEvent.Kinds, once: ShardEvent.Kinds = []) {
        effects.events.want(kinds, once: once)
    }

    /// Takes the events since the last call, in their order.
    package mutating func takeEvents() -> [ShardEvent] { effects.events.take() }

    /// Ends a window.
    ///
    /// - Returns: how many events of each kind were wanted and not collected in it; only kinds with such events.
    package mutating func takeSuppressedEvents() -> [(kind: ShardEvent.Kind, count: UInt64)] {
        effects.events.takeSuppressed()
    }

    /// Collects an event of a peer that has not sent CONNECT.
    package mutating func tell(_ kind: ShardEvent.Kind, of peer: Peer, detail: String? = nil) {
        guard effects.events.admits(kind) else { return }
        effects.events.append(
            ShardEvent(
                kind: kind,
                clientIdentifier: nil,
                userName: nil,
                address: peer.address,
                listener: peer.listener,
                reason: nil,
                detail: detail
            )
        )
    }

    /// Collects an event of a connection or of one of its data streams.
    mutating func tell(_ kind: ShardEvent.Kind, _ connection: Connection, _ reason: ReasonCode? = nil) {
        guard effects.events.admits(kind) else { return }
        let connect = (connection.control ?? connection).pendingConnect?.packet
        effects.events.append(
            ShardEvent(
                kind: kind,
                clientIdentifier: connection.clientIdentifier?.string ?? connect?.clientIdentifier,
                userName: connect?.userName,
                address: connection.peer.address,
                listener: connection.peer.listener,
                reason: reason
            )
        )
    }

    /// Collects an event of a client that may have no connection.
    mutating func tell(_ kind: ShardEvent.Kind, of session: Session) {
        guard effects.events.admits(kind) else { return }
        let peer = session.root.connection?.peer
        effects.events.append(
            ShardEvent(
                kind: kind,
                clientIdentifier: session.clientIdentifier.string,
                userName: nil,
                address: peer?.address,
                listener: peer?.listener,
                reason: nil
            )
        )
    }
}
