import MQTTCodec
import NIOCore

// What a shard leaves behind for the shell.
extension Shard {
    /// True if there is anything to carry out.
    package var hasEffects: Bool { effects.isPresent }

    /// Takes the connections with something to write or to close, each once, and leaves an empty array in their place.
    package mutating func swapDirty(with taken: inout [Connection]) { effects.swapDirty(with: &taken) }

    /// Takes what a dirty connection has to write.
    package mutating func takeOutput(of connection: Connection) -> Output {
        connection.outbound.isDirty = false
        let output = connection.outbound.output
        connection.outbound.output = Output()
        connection.traffic.octetsSent &+= UInt64(output.count)
        return output
    }

    /// Gives an output back that was written, so that the next burst need not allocate a buffer.
    ///
    /// - Parameter output: consumed, since a buffer that the caller still holds cannot be used again.
    package mutating func recycle(_ output: consuming Output) {
        var buffer = ByteBuffer()
        swap(&buffer, &output.buffer)
        effects.recycle(buffer)
    }

    mutating func markDirty(_ connection: Connection) { effects.markDirty(connection) }

    /// Appends a packet to a connection's output. A packet that is larger than the client's Maximum Packet Size ends the
    /// connection with 0x95.
    mutating func write(_ packet: Packet, to connection: Connection, now: Instant) {
        if !writeIfTaken(packet, to: connection) { fail(connection, .packetTooLarge, now: now) }
    }

    /// Appends a packet to a connection's output, unless the packet is larger than the client's Maximum Packet Size
    /// [MQTT-3.1.2-24]. Returns whether it was appended.
    @discardableResult
    mutating func writeIfTaken(_ packet: Packet, to connection: Connection) -> Bool {
        markDirty(connection)
        let size = connection.outbound.output.buffer.write(packet, version: connection.outbound.version)
        if size <= connection.outbound.maximumPacketSize { return true }
        let start = connection.outbound.output.buffer.writerIndex - size
        connection.outbound.output.buffer.moveWriterIndex(to: start)
        return false
    }

    /// Appends PUBACK, PUBREC, PUBREL or PUBCOMP to a connection's output. Every client takes their five octets, since CONNACK
    /// is as long at least.
    mutating func acknowledge(
        _ kind: PublishAcknowledgement.Kind,
        _ identifier: UInt16,
        _ reason: ReasonCode,
        on connection: Connection
    ) {
        markDirty(connection)
        connection.outbound.output.buffer.writePublishAcknowledgement(
            kind,
            packetIdentifier: identifier,
            reasonCode: reason,
            version: connection.outbound.version
        )
    }
}
