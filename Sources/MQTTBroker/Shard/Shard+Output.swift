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

    /// Appends a packet to a connection's output, unless the packet is larger than the client's Maximum Packet Size. Returns
    /// whether it was appended.
    @discardableResult
    mutating func writeIfTaken(_ packet: Packet, to connection: Connection) -> Bool {
        let version = connection.outbound.version
        return append(to: connection) { $0.write(packet, version: version) }
    }

    /// Appends PUBACK, PUBREC, PUBREL or PUBCOMP to a connection's output.
    mutating func acknowledge(
        _ kind: PublishAcknowledgement.Kind,
        _ identifier: UInt16,
        _ reason: ReasonCode,
        on connection: Connection,
        now: Instant
    ) {
        let version = connection.outbound.version
        let isWritten = append(to: connection) {
            $0.writePublishAcknowledgement(kind, packetIdentifier: identifier, reasonCode: reason, version: version)
        }
        if isWritten { return }
        // The packet is an octet shorter without its reason code, which then is Success (MQTT 5.0 §3.4.2.1).
        let isShortened =
            !reason.isError
            && append(to: connection) {
                $0.writePublishAcknowledgement(kind, packetIdentifier: identifier, version: version)
            }
        if !isShortened { fail(connection, .packetTooLarge, now: now) }
    }

    /// Appends what `write` writes, and takes it back if it is larger than the client's Maximum Packet Size [MQTT-3.1.2-24].
    ///
    /// - Parameter write: returns the octets that it has appended.
    private mutating func append(to connection: Connection, _ write: (inout ByteBuffer) -> Int) -> Bool {
        markDirty(connection)
        let size = write(&connection.outbound.output.buffer)
        if size <= connection.outbound.maximumPacketSize { return true }
        let start = connection.outbound.output.buffer.writerIndex - size
        connection.outbound.output.buffer.moveWriterIndex(to: start)
        return false
    }
}
