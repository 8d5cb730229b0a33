import MQTTCodec
package import NIOCore

// The octets of a batch: a head with a checksum of its own, so that damage to the rest leaves it certain of which lane the batch is and
// where the next one begins; then term, position, wall clock, the number of records, and the records. Integers are LEB128 unless a width
// is said.
extension LaneBatch {
    static let version: UInt8 = 1

    /// What a batch begins with.
    struct Head {
        /// Octets behind the head (4).
        let length: UInt32
        /// CRC-32C of these (4).
        let checksum: UInt32
        /// Then the version (1), the number of the lane (1), and CRC-32C of all before (4).
        let version: UInt8
        let lane: UInt8

        static let octetCount = 14

        /// Octets of the whole batch.
        var size: Int { Int(length) + Self.octetCount }

        /// The head that octets begin with; `nil` if they begin with none, or with one that is damaged.
        init?(_ octets: ByteBuffer) {
            var octets = octets
            guard let head = octets.readSlice(length: Self.octetCount),
                let (length, checksum, version, lane, own) = head.getMultipleIntegers(
                    at: head.readerIndex,
                    as: (UInt32, UInt32, UInt8, UInt8, UInt32).self
                ), CRC32C.checksum(of: head.readableBytesUInt8Span.extracting(first: Self.octetCount - 4)) == own
            else { return nil }
            self.length = length
            self.checksum = checksum
            self.version = version
            self.lane = lane
        }
    }

    /// Appends the batch.
    ///
    /// - Parameter now: the clocks that the expiry of messages is converted by.
    package func write(to buffer: inout ByteBuffer, now: Instant) {
        let start = buffer.writerIndex
        buffer.writeRepeatingByte(0, count: Head.octetCount)
        buffer.writeLEB128(0)  // The term, which is for lanes that change their leader.
        buffer.writeLEB128(position)
        buffer.writeInteger(made)
        buffer.writeLEB128(UInt64(records.count))
        for record in records { record.write(to: &buffer, now: now) }
        let length = buffer.writerIndex - start - Head.octetCount
        let checksum = CRC32C.checksum(ofLast: length, in: buffer)
        buffer.setMultipleIntegers(UInt32(clamping: length), checksum, Self.version, lane.number, at: start)
        let head = buffer.getSlice(at: start, length: Head.octetCount - 4) ?? ByteBuffer()
        buffer.setInteger(CRC32C.checksum(of: head.readableBytesUInt8Span), at: start + Head.octetCount - 4)
    }

    /// Reads the next of the batches that lie behind each other; `nil` at the end.
    ///
    /// - Parameters:
    ///   - now: the clocks that the expiry of messages is converted by. If the wall clock was set back, no time has passed since the
    ///     batch was made.
    ///   - memory: that messages are counted in.
    package static func read(
        from buffer: inout ByteBuffer,
        now: Instant,
        memory: QueueMemory? = nil
    ) throws(LaneBatchError) -> LaneBatch? {
        guard buffer.readableBytes > 0 else { return nil }
        guard buffer.readableBytes >= Head.octetCount else { throw .cutOff }
        guard let head = Head(buffer) else { throw .wrongChecksum }
        guard head.size <= buffer.readableBytes else { throw .cutOff }
        guard head.version <= Self.version else { throw .newerVersion(head.version) }
        buffer.moveReaderIndex(forwardBy: Head.octetCount)
        var octets = buffer.readSlice(length: Int(head.length)) ?? ByteBuffer()
        guard CRC32C.checksum(ofLast: Int(head.length), in: octets) == head.checksum else { throw .wrongChecksum }
        guard let lane = Lane(number: head.lane), octets.readLEB128() != nil,
            let position = octets.readCount(), let made: Int64 = octets.readInteger(),
            let count = octets.readLEB128()
        else { throw .malformedRecord(0) }
        let now = now.noEarlier(than: made)
        var records: [LaneRecord] = []
        // What is said of their number is not believed: a record in memory is many times as large as its octets may be.
        records.reserveCapacity(Int(min(count, 256)))
        for number in 0..<count {
            guard let record = LaneRecord(from: &octets, now: now, memory: memory) else {
                throw .malformedRecord(Int(clamping: number))
            }
            records.append(record)
        }
        guard octets.readableBytes == 0 else { throw .malformedRecord(Int(clamping: count)) }
        return LaneBatch(lane: lane, position: position, records: records, made: made)
    }

    /// The octets of each batch of a commit, with its lane's number.
    package static func split(_ commit: ByteBuffer, now: Instant) throws(LaneBatchError) -> [(
        lane: Int, octets: ByteBuffer
    )] {
        var batches: [(lane: Int, octets: ByteBuffer)] = []
        var rest = commit
        while let batch = try read(from: &rest, now: now) {
            let end = rest.readerIndex
            let start = commit.readerIndex + batches.reduce(0) { $0 + $1.octets.readableBytes }
            let octets = commit.getSlice(at: start, length: end - start) ?? ByteBuffer()
            batches.append((batch.lane.index, octets))
        }
        return batches
    }
}

extension CRC32C {
    fileprivate static func checksum(ofLast count: Int, in buffer: ByteBuffer) -> UInt32 {
        checksum(of: buffer.readableBytesUInt8Span.extracting(last: count))
    }
}
