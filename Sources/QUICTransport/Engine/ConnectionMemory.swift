internal import CNgtcp2

/// The memory that ngtcp2 uses for one connection.
///
/// Both kinds count blocks of at most 16 bytes. ngtcp2 has one such block for each gap in the received data of streams and
/// handshake messages, and few others; the count bounds the gaps of a connection over all its streams.
enum ConnectionMemory {
    /// Memory that can be folded.
    case region(EngineMemory)
    /// Memory of malloc, which cannot be folded.
    case system(SystemMemory)

    /// The allocation functions for ngtcp2, which keeps the pointer.
    var functions: UnsafePointer<ngtcp2_mem> {
        switch self {
        case .region(let memory): unsafe UnsafePointer(memory.functions)
        case .system(let memory): unsafe memory.functions
        }
    }

    /// The number of gaps, and of a few other blocks that are as short.
    var shortBlocks: Int {
        switch self {
        case .region(let memory): memory.shortBlocks
        case .system(let memory): memory.shortBlocks
        }
    }

    /// `nil` if the memory cannot be folded now.
    func fold(with scratch: @autoclosure () -> FoldingScratch) -> FoldedMemory? {
        guard case .region(let memory) = self else { return nil }
        return memory.fold(with: scratch())
    }

    func unfold(_ folded: FoldedMemory) {
        if case .region(let memory) = self { memory.unfold(folded) }
    }
}
