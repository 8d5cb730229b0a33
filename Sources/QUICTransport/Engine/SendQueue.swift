internal import CNgtcp2
internal import DequeModule
internal import NIOCore

/// The bytes of one stream from `write` until the peer has acknowledged them.
///
/// ngtcp2 keeps pointers to sent bytes until they are acknowledged, so that bytes are in pieces of memory that neither move
/// nor end before. Small writes are copied into blocks; large writes are retained without a copy. An empty queue has no
/// memory.
@safe struct SendQueue: ~Copyable {
    /// The size in bytes from which a write is retained instead of copied.
    private static let referenceThreshold = 16 * 1024
    private static let leastBlock = 512
    private static let largestBlock = 16 * 1024

    /// Consecutive bytes of the stream in one piece of memory.
    @safe private struct Piece {
        /// The owner of the memory: a `SendBlock`, or the storage of a `ByteBuffer`. The queue retains it once; pieces are
        /// read for every packet, which must not touch reference counts.
        let owner: Unmanaged<AnyObject>
        let start: UnsafePointer<UInt8>
        var count: Int
    }

    private var pieces = Deque<Piece>()
    /// The block of the last piece, while it has room.
    private var openBlock: SendBlock?
    /// Acknowledged bytes of the first piece.
    private var acknowledgedInFirst = 0
    /// The index of the first piece with unsent bytes, and the number of its sent bytes.
    private var nextPiece = 0
    private var sentOfNext = 0

    /// The number of bytes that are not acknowledged.
    private(set) var count = 0
    /// The number of bytes that no packet has taken yet.
    private(set) var unsent = 0
    var finish = Finish.open

    /// Whether the end of the stream is asked for and sent.
    enum Finish {
        case open
        /// The end of the stream (FIN) is to be sent after the last byte.
        case wanted
        case sent
    }

    /// True if the peer has acknowledged all bytes, and the end of the stream is not still to be sent.
    var isAcknowledged: Bool { self.count == 0 && self.finish != .wanted }
    /// True if a packet could take bytes, or the end of the stream.
    var hasWork: Bool { self.unsent > 0 || self.finish == .wanted }

    mutating func append(_ bytes: ByteBuffer) {
        let size = bytes.readableBytes
        guard size > 0 else { return }
        if size >= Self.referenceThreshold {
            unsafe bytes.withUnsafeReadableBytesWithStorageManagement { readable, storage in
                guard let start = readable.baseAddress else { return }
                unsafe self.pieces.append(
                    Piece(
                        owner: Unmanaged.passRetained(storage.takeUnretainedValue()),
                        start: start.assumingMemoryBound(to: UInt8.self),
                        count: size
                    )
                )
            }
            self.openBlock = nil
        } else {
            unsafe bytes.withUnsafeReadableBytes { unsafe self.gather($0) }
        }
        self.count += size
        self.unsent += size
    }

    /// Copies bytes into the block of the last piece, or into a new block.
    private mutating func gather(_ bytes: UnsafeRawBufferPointer) {
        if let block = self.openBlock, unsafe block.append(bytes) {
            self.pieces[self.pieces.count - 1].count += bytes.count
            return
        }
        // Blocks grow with the backlog: many bytes are in few pieces, and a single message takes a small block.
        let capacity = min(Self.largestBlock, max(Self.leastBlock, self.count))
        let block = SendBlock(capacity: max(capacity, bytes.count))
        _ = unsafe block.append(bytes)
        self.pieces.append(
            unsafe Piece(owner: .passRetained(block), start: UnsafePointer(block.memory), count: bytes.count)
        )
        self.openBlock = block
    }

    /// Lists unsent pieces for a packet of at most `room` octets. Returns their number, and true if the end of the stream
    /// follows them.
    func describeUnsent(_ vectors: UnsafeMutableBufferPointer<ngtcp2_vec>, room: Int) -> (count: Int, finishes: Bool) {
        var listed = 0
        var bytes = 0
        var skip = self.sentOfNext
        for index in self.nextPiece..<max(self.nextPiece, self.pieces.count) {
            guard listed < vectors.count, bytes < room else { break }
            let piece = self.pieces[index]
            guard piece.count > skip else {
                skip = 0
                continue
            }
            unsafe vectors[listed] = ngtcp2_vec(
                base: UnsafeMutablePointer(mutating: piece.start.advanced(by: skip)),
                len: piece.count - skip
            )
            bytes += piece.count - skip
            skip = 0
            listed += 1
        }
        return (listed, self.finish == .wanted && bytes == self.unsent)
    }

    /// Notes that a packet took bytes; with the last byte it took the end of the stream, too.
    mutating func didSend(_ sent: Int) {
        var left = sent
        self.unsent -= sent
        while left > 0 {
            let rest = self.pieces[self.nextPiece].count - self.sentOfNext
            if left < rest {
                self.sentOfNext += left
                left = 0
            } else if self.nextPiece == self.pieces.count - 1, self.openBlock != nil {
                // The block may have grown after the bytes were sent.
                self.sentOfNext += left
                left = 0
            } else {
                left -= rest
                self.nextPiece += 1
                self.sentOfNext = 0
            }
        }
        if self.unsent == 0, self.finish == .wanted { self.finish = .sent }
    }

    /// Frees bytes that the peer has acknowledged, in order.
    mutating func acknowledge(_ acknowledged: Int) {
        self.count -= acknowledged
        var left = acknowledged + self.acknowledgedInFirst
        while let first = self.pieces.first, left >= first.count {
            left -= first.count
            unsafe self.pieces.removeFirst().owner.release()
            if self.nextPiece > 0 {
                self.nextPiece -= 1
            } else {
                self.sentOfNext = 0
            }
        }
        self.acknowledgedInFirst = left
        if self.pieces.isEmpty { self.clear() }
    }

    /// Drops all bytes. Call this only when ngtcp2 has no pointer to them any more.
    mutating func clear() {
        self.releasePieces()
        self.pieces = Deque()
        self.openBlock = nil
        self.acknowledgedInFirst = 0
        self.nextPiece = 0
        self.sentOfNext = 0
    }

    private func releasePieces() {
        for piece in self.pieces { unsafe piece.owner.release() }
    }

    deinit { self.releasePieces() }

    /// Marks everything as unsent. Call this only when the peer has received nothing and ngtcp2 has no pointer to the bytes.
    mutating func rewind() {
        self.nextPiece = 0
        self.sentOfNext = self.acknowledgedInFirst
        self.unsent = self.count
        if self.finish == .sent { self.finish = .wanted }
    }

    /// Drops the wish to send the unsent bytes. The memory stays, since ngtcp2 may have pointers to sent bytes in it.
    mutating func abandonUnsent() {
        self.count -= self.unsent
        self.unsent = 0
        self.finish = .sent
    }
}

/// Memory of fixed address and size for small writes.
@safe final class SendBlock {
    let memory: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    private var used = 0

    init(capacity: Int) {
        unsafe self.memory = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit {
        unsafe self.memory.deallocate()
    }

    /// Appends bytes. False if they do not fit.
    func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let source = bytes.baseAddress, self.used + bytes.count <= self.capacity else {
            return unsafe bytes.isEmpty
        }
        unsafe UnsafeMutableRawPointer(self.memory.advanced(by: self.used)).copyMemory(
            from: source,
            byteCount: bytes.count
        )
        self.used += bytes.count
        return true
    }
}
