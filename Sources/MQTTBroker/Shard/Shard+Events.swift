import MQTTCodec

// Events of clients, for the log. Without a wish for a kind, an event costs one test of a bit.
extension Shard {
    /// Collects events of these kinds from now on, and none of other kinds.
    ///
    /// - Parameter once: kinds of which one event a window is collected and further ones are counted.
    package mutating func wantEvents(_ kinds: ShardEvent.Kinds, once: ShardEvent.Kinds = []) {
        events.want(kinds, once: once)
    }

    /// The events of this burst, in their order.
    package mutating func takeEvents() -> [ShardEvent] { events.take() }

    /// Ends a window: how many events of each kind were counted and not collected. Kinds without any are left out.
    package mutating func takeSuppressedEvents() -> [(kind: ShardEvent.Kind, count: UInt64)] {
        events.takeSuppressed()
    }

    /// Tells an event of a peer that is no client yet.
    package mutating func tell(_ kind: ShardEvent.Kind, of peer: Peer, detail: String? = nil) {
        guard events.admits(kind) else { return }
        events.append(
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

    /// Tells an event of a connection, or of the connection whose data stream this is.
    mutating func tell(_ kind: ShardEvent.Kind, _ connection: Connection, _ reason: ReasonCode? = nil) {
        guard events.admits(kind) else { return }
        let connect = (connection.control ?? connection).connect?.packet
        events.append(
            ShardEvent(
                kind: kind,
                clientIdentifier: connection.session?.clientIdentifier.string ?? connect?.clientIdentifier,
                userName: connect?.userName,
                address: connection.peer.address,
                listener: connection.peer.listener,
                reason: reason
            )
        )
    }

    /// Tells an event of a client that may be away.
    mutating func tell(_ kind: ShardEvent.Kind, of session: Session) {
        guard events.admits(kind) else { return }
        let peer = session.root.connection?.peer
        events.append(
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
