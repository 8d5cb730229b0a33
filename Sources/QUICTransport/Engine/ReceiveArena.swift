internal import NIOCore

/// Received stream bytes of one read burst, in one piece of memory of which users get slices.
///
/// Bytes are appended behind the slices that are already out, which `ByteBuffer` itself would answer by a copy.
@safe struct ReceiveArena {
    private static let capacity = 64 * 1024

    private var buffer = ByteBuffer()
    private var base: UnsafeMutableRawPointer?
    private var used = 0
    /// Where the bytes start that were appended or extended last.
    private var lastStart = 0

    /// Starts anew, in the same memory if no slice of it is left.
    mutating func recycle() {
        guard self.used > 0 else { return }
        self.buffer.clear()
        self.adoptBuffer()
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) -> ByteBuffer {
        if self.used + bytes.count > self.buffer.capacity {
            self.buffer = ByteBufferAllocator().buffer(capacity: max(Self.capacity, bytes.count))
            self.adoptBuffer()
        }
        self.lastStart = self.used
        unsafe self.copy(bytes)
        return self.slice
    }

    /// The slice with the bytes added, if it was made by the last call and there is room behind it.
    mutating func extend(_ slice: ByteBuffer, by bytes: UnsafeRawBufferPointer) -> ByteBuffer? {
        guard slice.readableBytes == self.used - self.lastStart, self.used + bytes.count <= self.buffer.capacity else {
            return nil
        }
        unsafe self.copy(bytes)
        return self.slice
    }

    private var slice: ByteBuffer {
        self.buffer.getSlice(at: self.lastStart, length: self.used - self.lastStart) ?? ByteBuffer()
    }

    private mutating func copy(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        unsafe self.base?.advanced(by: self.used).copyMemory(from: source, byteCount: bytes.count)
        self.used += bytes.count
    }

    private mutating func adoptBuffer() {
        self.used = 0
        self.lastStart = 0
        self.buffer.moveWriterIndex(to: self.buffer.capacity)
        unsafe self.base = self.buffer.withUnsafeMutableReadableBytes { $0.baseAddress }
    }
}
