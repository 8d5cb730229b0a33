internal import CNgtcp2
internal import DequeModule
internal import NIOCore

/// Bytes of one stream from `write` until the peer has acknowledged them.
///
/// ngtcp2 keeps pointers to what it sent until then, so that bytes lie in pieces that neither move nor end before.
/// Small writes are gathered in blocks of ours; large ones stay where they are, and are held. An empty queue holds no memory.
@safe struct SendQueue: ~Copyable {
    /// Writes of at least so many bytes are kept by reference instead of copied.
    private static let referenceThreshold = 16 * 1024
    private static let leastBlock = 512
    private static let largestBlock = 16 * 1024

    @safe private struct Piece {
        /// Holds the memory: a `SendBlock`, or the storage of a `ByteBuffer`. Retained once, by the queue: pieces are looked
        /// at for every packet, and their owners' reference counts are not to be touched each time.
        let owner: Unmanaged<AnyObject>
        let start: UnsafePointer<UInt8>
        var count: Int
    }

    private var pieces = Deque<Piece>()
    /// The last piece, while more can be appended to it.
    private var openBlock: SendBlock?
    /// Acknowledged bytes of the first piece.
    private var acknowledgedInFirst = 0
    /// The first piece with unsent bytes, and how many of its bytes are sent.
    private var nextPiece = 0
    private var sentOfNext = 0

    /// Bytes not yet acknowledged.
    private(set) var count = 0
    private(set) var unsent = 0
    var finish = Finish.open

    enum Finish {
        case open
        /// To be sent behind the last byte.
        case wanted
        case sent
    }

    /// Whether the peer has all of it.
    var isSettled: Bool { self.count == 0 && self.finish != .wanted }
    /// Whether a packet could carry something of it.
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

    private mutating func gather(_ bytes: UnsafeRawBufferPointer) {
        if let block = self.openBlock, unsafe block.append(bytes) {
            self.pieces[self.pieces.count - 1].count += bytes.count
            return
        }
        // The more is pending, the larger the block, so that a backlog is few pieces and a single message a small one.
        let capacity = min(Self.largestBlock, max(Self.leastBlock, self.count))
        let block = SendBlock(capacity: max(capacity, bytes.count))
        _ = unsafe block.append(bytes)
        self.pieces.append(
            unsafe Piece(owner: .passRetained(block), start: UnsafePointer(block.memory), count: bytes.count)
        )
        self.openBlock = block
    }

    /// Lists unsent pieces for a packet of at most `room` octets. Tells how many, and whether the end of the stream follows
    /// them.
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

    /// Notes that a packet took bytes; with the last of them it took the end of the stream, too.
    mutating func didSend(_ sent: Int) {
        var left = sent
        self.unsent -= sent
        while left > 0 {
            let rest = self.pieces[self.nextPiece].count - self.sentOfNext
            if left < rest {
                self.sentOfNext += left
                left = 0
            } else if self.nextPiece == self.pieces.count - 1, self.openBlock != nil {
                // The block may grow behind what is sent.
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

    /// Frees what the peer has acknowledged, in order.
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

    /// Forgets all bytes. Only when ngtcp2 holds no pointer to them any more.
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

    /// Everything is to be sent anew: the peer has seen none of it, and ngtcp2 holds no pointer to it any more.
    mutating func rewind() {
        self.nextPiece = 0
        self.sentOfNext = self.acknowledgedInFirst
        self.unsent = self.count
        if self.finish == .sent { self.finish = .wanted }
    }

    /// Forgets that bytes were to be sent, but keeps them, since ngtcp2 may hold pointers to those already sent.
    mutating func abandonUnsent() {
        self.count -= self.unsent
        self.unsent = 0
        self.finish = .sent
    }
}

/// Memory of fixed place and size that small writes are gathered in.
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

    /// False if the bytes do not fit.
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
