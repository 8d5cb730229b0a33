import MQTTBroker
import NIOCore
import QUICTransport

/// The sending side of a stream: how much it may hold before its peer counts as slow.
///
/// The streams of a connection have equal shares of what all of them may hold together, so that one whose data nobody
/// takes cannot fill what the others need.
struct StreamOutlet {
    let stream: QUICStream
    private(set) var isBlocked = false

    /// Octets that wait for acknowledgement beyond which a stream counts as slow, and all streams of a connection.
    static let highWaterMark = 262_144
    static let connectionHighWaterMark = 1_048_576

    init(_ stream: QUICStream) { self.stream = stream }

    static func share(of streams: Int) -> Int { min(highWaterMark, connectionHighWaterMark / max(1, streams)) }

    /// Returns whether the stream has begun to count as slow by it.
    mutating func write(_ output: Output, share: Int) -> Bool {
        for part in output.parts { stream.write(part) }
        if output.buffer.readableBytes > 0 { stream.write(output.buffer) }
        guard !isBlocked, stream.pendingBytes >= share else { return false }
        isBlocked = true
        stream.reportWritable()
        return true
    }

    /// Some of what was written is acknowledged. Returns whether the stream has ceased to count as slow.
    mutating func becameWritable(share: Int) -> Bool {
        guard isBlocked else { return false }
        guard stream.pendingBytes <= share / 4 else {
            stream.reportWritable()
            return false
        }
        isBlocked = false
        return true
    }
}
