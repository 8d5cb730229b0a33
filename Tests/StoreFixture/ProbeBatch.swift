package import NIOCore

/// A batch whose octets follow from its source, its sequence number and its size, so that a reader sees every change.
package struct ProbeBatch: Equatable, Sendable {
    package let source: UInt8
    /// 1 and up, without a gap in each source.
    package let sequence: UInt64
    package let count: Int

    /// Octets before the content.
    static let headCount = 13

    package init(source: UInt8, sequence: UInt64, count: Int) {
        (self.source, self.sequence, self.count) = (source, sequence, max(count, Self.headCount))
    }

    package var octets: ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: count)
        buffer.writeInteger(source)
        buffer.writeInteger(sequence)
        buffer.writeInteger(UInt32(count))
        var words = content
        while buffer.writableBytes >= 8, buffer.readableBytes + 8 <= count { buffer.writeInteger(words.next()) }
        while buffer.readableBytes < count { buffer.writeInteger(UInt8(truncatingIfNeeded: words.next())) }
        return buffer
    }

    private var content: SplitMix { SplitMix(state: sequence << 8 | UInt64(source)) }

    /// Reads the batches that stand one behind the other.
    ///
    /// - Returns: `nil` if there is an octet that was not written so.
    package static func all(in octets: ByteBuffer) -> [ProbeBatch]? {
        var rest = octets
        var batches: [ProbeBatch] = []
        while rest.readableBytes > 0 {
            guard let source = rest.getInteger(at: rest.readerIndex, as: UInt8.self),
                let sequence = rest.getInteger(at: rest.readerIndex + 1, as: UInt64.self),
                let count = rest.getInteger(at: rest.readerIndex + 9, as: UInt32.self)
            else { return nil }
            let batch = ProbeBatch(source: source, sequence: sequence, count: Int(count))
            guard let slice = rest.readSlice(length: batch.count), slice == batch.octets else { return nil }
            batches.append(batch)
        }
        return batches
    }
}

/// A generator of random numbers that starts from a seed.
package struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    package init(state: UInt64) { self.state = state }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}
