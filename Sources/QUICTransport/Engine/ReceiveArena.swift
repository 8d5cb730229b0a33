internal import NIOCore

/// The stream bytes of one read burst, in few pieces of memory of which users get slices.
///
/// Bytes are appended after slices that are in use, where `ByteBuffer` would copy.
@safe struct ReceiveArena {
    /// Consecutive bytes of one stream.
    private struct Run {
        let piece: Int
        let start: Int
        var count: Int
        var finished: Bool
    }

    private static let capacity = 64 * 1024

    /// Pieces of memory; the last one is being filled.
    private var pieces = [ByteBuffer()]
    private var base: UnsafeMutableRawPointer?
    private var used = 0

    private var runs: [Run] = []
    /// The stream of the last run, and the index of the event that tells of it.
    private var stream: UnsafeMutableRawPointer?
    private var event = -1

    /// Empties the arena unless a run is not yet handled. The memory is used again if no slice of it is in use.
    mutating func recycle() {
        guard self.runs.isEmpty, self.used > 0 else { return }
        if self.pieces.count > 1 { self.pieces.removeFirst(self.pieces.count - 1) }
        self.pieces[0].clear()
        self.adoptLast()
    }

    /// Appends bytes to the last run if they follow its bytes on the same stream and no event was recorded in between; else
    /// begins a run and returns its number.
    ///
    /// - Parameter event: the index that an event for these bytes would have.
    mutating func add(
        _ bytes: UnsafeRawBufferPointer,
        of stream: UnsafeMutableRawPointer,
        finished: Bool,
        event: Int
    ) -> Int? {
        let last = self.runs.count - 1
        let hasRoom = self.used + bytes.count <= self.pieces[self.pieces.count - 1].capacity
        if hasRoom, last >= 0, self.event == event - 1, unsafe self.stream == stream, !self.runs[last].finished {
            self.runs[last].count += bytes.count
            self.runs[last].finished = finished
            unsafe self.copy(bytes)
            return nil
        }
        if !hasRoom {
            self.pieces.append(ByteBufferAllocator().buffer(capacity: max(Self.capacity, bytes.count)))
            self.adoptLast()
        }
        self.runs.append(Run(piece: self.pieces.count - 1, start: self.used, count: bytes.count, finished: finished))
        unsafe self.stream = stream
        self.event = event
        unsafe self.copy(bytes)
        return self.runs.count - 1
    }

    /// The bytes of a run, and true if the end of the stream follows them.
    func received(_ run: Int) -> (bytes: ByteBuffer, finished: Bool) {
        let run = self.runs[run]
        return (self.pieces[run.piece].getSlice(at: run.start, length: run.count) ?? ByteBuffer(), run.finished)
    }

    /// Forgets all runs, after their events have been handled.
    mutating func forgetRuns() { self.runs.removeAll(keepingCapacity: true) }

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
