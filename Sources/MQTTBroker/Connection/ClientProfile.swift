import MQTTCodec

/// What a client said of itself in the CONNECT that was accepted, for those who ask about clients.
final class ClientProfile: Sendable {
    let userName: String?
    /// Seconds, as it is in force [MQTT-3.1.2-21]; 0 for none.
    let keepAlive: UInt16
    let cleanStart: Bool
    /// When CONNECT was accepted, milliseconds since 1970-01-01 UTC.
    let connected: Int64

    init(_ connect: Connect, keepAlive: UInt16, now: Instant) {
        userName = connect.userName
        self.keepAlive = keepAlive
        cleanStart = connect.cleanStart
        connected = now.wall
    }
}
