import MQTTBroker
package import NIOCore

/// What must hold for any octets that a store returns: they are batches of lanes or an error, a batch that was read is written as it
/// was, and a shard that was restored from it serves, and writes a log that a next run restores likewise.
///
/// The first octet of an input tells its form: an even one, and the rest is a commit as it stands; an odd one, and the rest is the
/// contents of batches (version, lane, and what follows the head), each behind its length in two octets, which are given heads with
/// right checksums here.
package enum LaneLogOracle {
    package struct Fault: Error { package let message: String }

    package static func check(_ octets: [UInt8]) throws {
        guard let form = octets.first else { return }
        let rest = ByteBuffer(bytes: octets.dropFirst())
        try check(commit: form & 1 == 0 ? rest : sealed(rest))
    }

    package static func check(commit: ByteBuffer) throws {
        var rest = commit
        var first = RestoredShard()
        while let batch = try? LaneBatch.read(from: &rest, now: first.now) {
            try checkOctets(of: batch, now: first.now)
        }
        // A store of a later release is not opened.
        do { try first.restore(commit) } catch is LaneBatchError { return }
        try first.start()
        try first.serve("car 7")
        // With a lane in quarantine nothing is cleaned.
        guard rest.readableBytes == 0, !first.keepsWholeLog else { return try first.end() }
        // The log that cleaning leaves is enough for the next run.
        let log = try first.clean()
        let expected = first.contents
        var second = RestoredShard()
        try second.restore(log)
        try second.start()
        guard second.contents == expected else {
            throw Fault(message: "restored is \(expected), and from the log that it wrote \(second.contents)")
        }
        try first.end()
        try second.end()
    }

    /// Gives the parts of an input, each behind its length, the head of a batch.
    package static func sealed(_ parts: ByteBuffer) -> ByteBuffer {
        var (parts, commit) = (parts, ByteBuffer())
        while let length: UInt16 = parts.readInteger() {
            var part = parts.readSlice(length: min(Int(length), parts.readableBytes)) ?? ByteBuffer()
            let (version, lane) = part.readMultipleIntegers(as: (UInt8, UInt8).self) ?? (1, 0)
            var head = ByteBuffer()
            let checksum = CRC32C.checksum(of: part.readableBytesUInt8Span)
            head.writeMultipleIntegers(UInt32(part.readableBytes), checksum, version, lane)
            commit.writeImmutableBuffer(head)
            commit.writeInteger(CRC32C.checksum(of: head.readableBytesUInt8Span))
            commit.writeImmutableBuffer(part)
        }
        return commit
    }

    private static func checkOctets(of batch: LaneBatch, now: Instant) throws {
        // A batch is not written before it is made.
        let now = Instant(monotonic: now.monotonic, wall: max(now.wall, batch.made))
        var written = ByteBuffer()
        batch.write(to: &written, now: now)
        var rest = written
        guard let read = try LaneBatch.read(from: &rest, now: now), rest.readableBytes == 0 else {
            throw Fault(message: "a batch that was read and written is no batch")
        }
        var again = ByteBuffer()
        read.write(to: &again, now: now)
        guard again == written else { throw Fault(message: "a batch that was read is written in another way") }
    }
}
