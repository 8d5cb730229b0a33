internal import CNgtcp2

/// Where ngtcp2 has what it holds of one connection.
///
/// Both kinds count the shortest blocks. ngtcp2 has one of 16 bytes for each gap in what it has received of streams and
/// handshake messages, and no others so short in such numbers; and while it holds each stream to 5,000 gaps, it does not
/// hold a connection to any, and tells nobody how many there are.
enum ConnectionMemory {
    /// Memory that can be folded.
    case region(EngineMemory)
    case system(SystemMemory)

    /// For ngtcp2, which keeps the pointer.
    var functions: UnsafePointer<ngtcp2_mem> {
        switch self {
        case .region(let memory): unsafe UnsafePointer(memory.functions)
        case .system(let memory): unsafe memory.functions
        }
    }

    /// Gaps, and a few blocks besides that are as short.
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
