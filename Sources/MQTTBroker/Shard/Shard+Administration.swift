import MQTTCodec

// What administrators do.
extension Shard {
    /// Ends the session of a client if it is at home here, or is a transient one of this shard, and its connection with DISCONNECT 0x98
    /// (MQTT 5.0 §3.14.2.1). Its will is published.
    ///
    /// - Returns: false if there is no such session.
    package mutating func kick(_ client: String, now: Instant) -> Bool {
        guard let session = sessions[UTF8Key(client)] else { return false }
        counters.clientsKicked += 1
        if let connection = session.connection {
            session.expiryInterval = 0
            fail(connection, .administrativeAction, now: now)
        } else {
            end(session, now: now)
        }
        drainLocal(now: now)
        return true
    }
}
