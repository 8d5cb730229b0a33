import MQTTCodec
import NIOCore

extension ConnectionRow {
    /// - Parameter connection: whose CONNECT was accepted.
    init(_ connection: Connection) {
        let profile = connection.profile
        let address = connection.peer.address
        let traffic = connection.wholeTraffic
        self.init(
            userName: profile?.userName,
            host: address?.ipAddress,
            port: address?.port,
            listener: connection.peer.listener,
            version: connection.outbound.version.rawValue,
            keepAlive: profile?.keepAlive ?? 0,
            cleanStart: profile?.cleanStart ?? true,
            isBridge: connection.isBridge,
            connected: profile?.connected ?? 0,
            streams: connection.streams.count,
            messagesReceived: traffic.messagesReceived,
            messagesSent: traffic.messagesSent,
            octetsReceived: traffic.octetsReceived,
            octetsSent: traffic.octetsSent
        )
    }
}

extension SessionRow {
    init(_ session: Session) {
        let deputy = session.connection.flatMap { $0.isDeputy ? $0.wholeTraffic : nil } ?? Traffic()
        self.init(
            client: session.clientIdentifier.string,
            isDurable: session.lane != nil || session.holder == nil,
            expiryInterval: session.expiryInterval,
            awaySince: session.connection == nil && session.awaySince > 0 ? session.awaySince : nil,
            subscriptions: session.subscriptions.count,
            queued: session.outgoing.queue.count + session.outgoing.retained.count,
            inflight: session.outgoing.window.count,
            awaitingRelease: session.awaitingRelease.count,
            dropped: session.dropped,
            messagesReceived: deputy.messagesReceived,
            messagesSent: deputy.messagesSent
        )
    }
}
