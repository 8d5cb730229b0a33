import MQTTCodec

/// What a connection is to send, and what its client takes.
struct Outbound {
    /// Empty unless `isDirty`.
    var output = Output()
    /// True if the connection is among those that the shell writes at the end of the tick.
    var isDirty = false
    /// Set by the shell while its transport takes no more.
    var isBlocked = false
    var version = ProtocolVersion.v5
    /// Octets that wait for a commit and, of a deputy, those that were sent to the connection's shard and that its transport has not
    /// been given yet.
    var outstanding = 0
    /// Octets of `output` beyond which messages wait: the connection's share of `Limits.outputHighWaterMark`.
    var highWaterMark: Int
    /// The client's Receive Maximum (MQTT 5.0 §3.1.2.11.3).
    var receiveMaximum = 65_535
    /// The client's Maximum Packet Size, octets (MQTT 5.0 §3.1.2.11.4).
    var maximumPacketSize = Int.max

    init(highWaterMark: Int) { self.highWaterMark = highWaterMark }

    /// True if a message can be written now rather than wait.
    var hasRoom: Bool { !isBlocked && output.count + outstanding < highWaterMark }
}
