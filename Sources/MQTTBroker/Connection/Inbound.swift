import MQTTCodec
import NIOCore

/// What a connection has received: the decoder, octets that are no packet yet, and what bounds a client's messages.
struct Inbound {
    var decoder: PacketDecoder
    /// The first octets of a packet whose rest has not arrived, or packets that have to wait.
    var pending = ByteBuffer()
    /// True while packets of the connection are handled.
    var isDecoding = false
    /// When octets arrived last, on the connection or on one of its data streams.
    var lastPacket: NIODeadline
    /// When the transport last took something after it had taken nothing, or was last read from again after a pause.
    var lastProgress: NIODeadline
    /// QoS 2 messages that this connection has brought and not released: what its Receive Maximum counts (MQTT 5.0 §4.9). A new
    /// connection counts from 0, unlike the session's packet identifiers.
    var unreleased = 0
    var topicAliases = TopicAliases()

    init(decoder: PacketDecoder, now: NIODeadline) {
        self.decoder = decoder
        lastPacket = now
        lastProgress = now
    }

    /// Copies octets that are no whole packet yet, since a slice would pin the transport's read buffer. Room is made for the
    /// rest of the packet, but not for a large one of which hardly anything has arrived.
    mutating func keep(_ bytes: ByteBuffer) {
        let arrived = bytes.readableBytes
        let size = (try? decoder.sizeOfFirst(in: bytes)) ?? arrived
        pending = ByteBufferAllocator().buffer(capacity: min(max(size, arrived), 4 * arrived))
        pending.writeImmutableBuffer(bytes)
    }

    /// Moves octets behind those in `pending`. If these are the first octets of a packet, only the rest of that packet is moved, so
    /// that the packets behind it can be read where they lie.
    ///
    /// - Parameter isHeld: true if packets have to wait, whole or not.
    mutating func gather(from bytes: inout ByteBuffer, isHeld: Bool) {
        var count = bytes.readableBytes
        if !isHeld, let size = try? decoder.sizeOfFirst(in: pending), size > pending.readableBytes {
            count = min(count, size - pending.readableBytes)
        }
        if let taken = bytes.readSlice(length: count) { pending.writeImmutableBuffer(taken) }
    }
}
