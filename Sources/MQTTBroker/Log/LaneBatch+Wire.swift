import MQTTCodec
package import NIOCore

// The octets of a batch: the length of what follows the checksum (4 octets), CRC-32C of that, then version, lane, term, position,
// wall clock, the number of records, and the records. Integers are LEB128 unless a width is said.
extension LaneBatch {
    static let version: UInt8 = 1

    /// Appends the batch.
    ///
    /// - Parameter now: the clocks that the expiry of messages is converted by.
    package func write(to buffer: inout ByteBuffer, now: Instant) {
        let start = buffer.writerIndex
        buffer.writeInteger(UInt64(0))
        buffer.writeInteger(Self.version)
        buffer.writeInteger(lane.number)
        buffer.writeLEB128(0)  // The term, which is for lanes that change their leader.
        buffer.writeLEB128(position)
        buffer.writeInteger(made)
        buffer.writeLEB128(UInt64(records.count))
        for record in records { record.write(to: &buffer, now: now) }
        let length = buffer.writerIndex - start - 8
        let checksum = CRC32C.checksum(ofLast: length, in: buffer)
        buffer.setInteger(UInt32(clamping: length), at: start)
        buffer.setInteger(checksum, at: start + 4)
    }

    /// Reads the next of the batches that lie behind each other and are of a lane that a shard leads; `nil` at the end.
    ///
    /// - Parameters:
    ///   - leader: the index of the shard.
    ///   - count: shards of the broker.
    ///   - now: the clocks that the expiry of messages is converted by.
    package static func read(
        from buffer: inout ByteBuffer,
        ofLeader leader: Int,
        among count: Int,
        now: Instant
    ) throws(LaneBatchError) -> LaneBatch? {
        while let length: UInt32 = buffer.getInteger(at: buffer.readerIndex),
            let lane: UInt8 = buffer.getInteger(at: buffer.readerIndex + 9)
        {
            // A lane that no release has is for everybody, whose reading says what is wrong.
            if Lane(number: lane).map({ $0.leader(among: count) == leader }) ?? true { break }
            guard buffer.readSlice(length: Int(length) + 8) != nil else { throw .cutOff }
        }
        return try read(from: &buffer, now: now)
    }

    /// Reads the next of the batches that lie behind each other; `nil` at the end.
    ///
    /// - Parameter now: the clocks that the expiry of messages is converted by. If the wall clock was set back,
    ///   no time has passed since the batch was made.
    package static func read(from buffer: inout ByteBuffer, now: Instant) throws(LaneBatchError) -> LaneBatch? {
        guard buffer.readableBytes > 0 else { return nil }
        guard let (length, checksum) = buffer.readMultipleIntegers(as: (UInt32, UInt32).self),
            var octets = buffer.readSlice(length: Int(length))
        else { throw .cutOff }
        guard CRC32C.checksum(ofLast: Int(length), in: octets) == checksum else { throw .wrongChecksum }
        guard let version: UInt8 = octets.readInteger() else { throw .cutOff }
        guard version <= Self.version else { throw .newerVersion(version) }
        guard let lane = octets.readInteger().flatMap({ Lane(number: $0) }), octets.readLEB128() != nil,
            let position = octets.readLEB128(), let made: Int64 = octets.readInteger(),
            let count = octets.readLEB128()
        else { throw .malformedRecord(0) }
        let now = now.noEarlier(than: made)
        var records: [LaneRecord] = []
        // A record has two octets at least.
        records.reserveCapacity(Int(min(count, UInt64(octets.readableBytes / 2))))
        for number in 0..<count {
            guard let record = LaneRecord(from: &octets, now: now) else {
                throw .malformedRecord(Int(clamping: number))
            }
            records.append(record)
        }
        guard octets.readableBytes == 0 else { throw .malformedRecord(Int(clamping: count)) }
        return LaneBatch(lane: lane, position: position, records: records, made: made)
    }
}

extension CRC32C {
    fileprivate static func checksum(ofLast count: Int, in buffer: ByteBuffer) -> UInt32 {
        checksum(of: buffer.readableBytesUInt8Span.extracting(last: count))
    }
}
