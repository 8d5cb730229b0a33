package import NIOCore

/// A segment of a queue, as the store has it: its number, and a batch of the lane's with a record for each message.
package struct StoredSegment: Sendable {
    package let number: UInt64
    package let octets: ByteBuffer

    /// What the log says of a segment.
    struct Place: Equatable {
        /// Never used twice in a node while the segment is there.
        let number: UInt64
        /// Messages that have left the queue: the first ones.
        let left: Int
        /// Messages that are in the queue, 1 and up.
        let count: Int
        /// Octets of these as bounds count them, about.
        let byteCount: Int
    }

    /// A number for the segment that follows another of the lane.
    static func number(after last: UInt64, of lane: Lane) -> UInt64 { (last >> 6 + 1) << 6 | UInt64(lane.number) }

    /// - Parameter now: the clocks that the expiry of messages is converted by.
    init(number: UInt64, _ entries: some Sequence<MessageQueue.Entry>, of session: UInt64, in lane: Lane, now: Instant)
    {
        self.number = number
        let records = entries.map { entry in
            let target = LoggedMessage.Target(entry, of: session, packetIdentifier: 0)
            return LaneRecord.message(LoggedMessage(entry.message, origin: nil, to: target))
        }
        var octets = ByteBuffer()
        LaneBatch(lane: lane, position: number, records: records, made: now.wall).write(to: &octets, now: now)
        self.octets = octets
    }

    /// The messages of a segment.
    ///
    /// - Throws: `LaneBatchError`, also if the octets are those of another segment.
    static func entries(
        of number: UInt64,
        in octets: ByteBuffer,
        now: Instant,
        memory: QueueMemory? = nil
    ) throws(LaneBatchError) -> [MessageQueue.Entry] {
        var octets = octets
        guard let batch = try LaneBatch.read(from: &octets, now: now, memory: memory), batch.position == number else {
            throw .wrongChecksum
        }
        return batch.records.compactMap { record in
            guard case .message(let logged) = record, let target = logged.targets.first else { return nil }
            return MessageQueue.Entry(
                message: logged.message,
                qos: target.qos,
                retain: target.retain,
                identifiers: target.identifiers
            )
        }
    }
}
