package import NIOCore

/// Reads the batches of a commit, which lie behind each other, and steps over those that are damaged. Heads are not looked for within
/// octets that may be a client's.
package struct BatchReader {
    /// What a commit has next.
    enum Item {
        case batch(LaneBatch)
        /// A batch of a lane that cannot be read.
        case damaged(Lane)
        /// A batch of which not even the lane is known, and all behind it: where the next one begins is not known either.
        case lost
    }

    private var octets: ByteBuffer
    private let now: Instant
    private let memory: QueueMemory?

    /// - Parameters:
    ///   - now: the clocks that the expiry of messages is converted by.
    ///   - memory: that messages are counted in.
    package init(_ commit: ByteBuffer, now: Instant, memory: QueueMemory? = nil) {
        octets = commit
        self.now = now
        self.memory = memory
    }

    /// Reads the next batch; `nil` at the end.
    ///
    /// - Parameter isWanted: says whether a lane's batches are to be read. Others are stepped over.
    /// - Throws: `LaneBatchError.newerVersion`.
    mutating func next(_ isWanted: (Lane) -> Bool = { _ in true }) throws(LaneBatchError) -> Item? {
        while octets.readableBytes > 0 {
            guard let head = LaneBatch.Head(octets) else {
                octets.moveReaderIndex(to: octets.writerIndex)
                return .lost
            }
            guard head.version <= LaneBatch.version else { throw .newerVersion(head.version) }
            guard let lane = Lane(number: head.lane), head.size <= octets.readableBytes else {
                // What a sound head says is so: the commit ends within the batch.
                octets.moveReaderIndex(to: octets.writerIndex)
                return Lane(number: head.lane).map { .damaged($0) } ?? .lost
            }
            guard isWanted(lane) else {
                octets.moveReaderIndex(forwardBy: head.size)
                continue
            }
            var batch = octets.readSlice(length: head.size) ?? ByteBuffer()
            do throws(LaneBatchError) {
                if let read = try LaneBatch.read(from: &batch, now: now, memory: memory) { return .batch(read) }
            } catch {
                return .damaged(lane)
            }
        }
        return nil
    }

    /// The octets of the batches of a commit that can be read, and how many there are that cannot.
    ///
    /// - Throws: `LaneBatchError.newerVersion`.
    package static func soundOctets(of commit: ByteBuffer, now: Instant) throws(LaneBatchError)
        -> (octets: ByteBuffer, damaged: Int)
    {
        var reader = BatchReader(commit, now: now)
        var sound = ByteBuffer()
        var damaged = 0
        while true {
            let before = reader.octets
            guard let item = try reader.next() else { return (sound, damaged) }
            if case .batch = item {
                sound.writeImmutableBuffer(
                    before.getSlice(
                        at: before.readerIndex,
                        length: before.readableBytes - reader.octets.readableBytes
                    ) ?? ByteBuffer()
                )
            } else {
                damaged += 1
            }
        }
    }
}
