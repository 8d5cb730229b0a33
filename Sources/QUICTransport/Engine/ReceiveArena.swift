internal import NIOCore

/// Received stream bytes of one read burst, in few pieces of memory of which users get slices.
///
/// Bytes are appended behind the slices that are already out, which `ByteBuffer` itself would answer by a copy.
@safe struct ReceiveArena {
    /// Where bytes lie.
    struct Place {
        fileprivate let piece: Int
        fileprivate let start: Int
        fileprivate(set) var count: Int
    }

    private static let capacity = 64 * 1024

    /// The last is the one that is being filled.
    private var pieces = [ByteBuffer()]
    private var base: UnsafeMutableRawPointer?
    private var used = 0

    /// Starts anew, in the same memory if no slice of it is left.
    mutating func recycle() {
        guard self.used > 0 else { return }
        if self.pieces.count > 1 { self.pieces.removeFirst(self.pieces.count - 1) }
        self.pieces[0].clear()
        self.adoptLast()
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Place {
        if self.used + bytes.count > self.pieces[self.pieces.count - 1].capacity {
            self.pieces.append(ByteBufferAllocator().buffer(capacity: max(Self.capacity, bytes.count)))
            self.adoptLast()
        }
        let start = self.used
        unsafe self.copy(bytes)
        return Place(piece: self.pieces.count - 1, start: start, count: bytes.count)
    }

    /// Adds bytes to what was appended last. False if there is no room behind it.
    mutating func extend(_ place: inout Place, by bytes: UnsafeRawBufferPointer) -> Bool {
        let last = self.pieces.count - 1
        guard place.piece == last, place.start + place.count == self.used,
            self.used + bytes.count <= self.pieces[last].capacity
        else { return false }
        unsafe self.copy(bytes)
        place.count += bytes.count
        return true
    }

    func slice(_ place: Place) -> ByteBuffer {
        self.pieces[place.piece].getSlice(at: place.start, length: place.count) ?? ByteBuffer()
    }

    private mutating func copy(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        unsafe self.base?.advanced(by: self.used).copyMemory(from: source, byteCount: bytes.count)
        self.used += bytes.count
    }

    private mutating func adoptLast() {
        let last = self.pieces.count - 1
        self.used = 0
        self.pieces[last].moveWriterIndex(to: self.pieces[last].capacity)
        unsafe self.base = self.pieces[last].withUnsafeMutableReadableBytes { $0.baseAddress }
    }
}
