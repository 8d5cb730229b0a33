internal import NIOCore

/// Answers that the loop of the relay's socket read for clients of another loop: those of one read burst.
struct RelayBatch {
    /// Octets that each answer counts beside its own.
    private static let overhead = 128

    private var bytes = ByteBuffer()
    private var heads: [(head: RelayFrame, count: Int)] = []

    var count: Int { self.heads.count }
    var isEmpty: Bool { self.heads.isEmpty }
    /// Octets that the batch holds in memory.
    var weight: Int { self.bytes.readableBytes + Self.overhead * self.heads.count }

    mutating func append(_ head: RelayFrame, _ datagram: UnsafeRawBufferPointer) {
        unsafe self.bytes.writeBytes(datagram)
        self.heads.append((head, datagram.count))
    }

    func forEach(_ body: (RelayFrame, UnsafeRawBufferPointer) -> Void) {
        unsafe self.bytes.withUnsafeReadableBytes { bytes in
            var rest = unsafe bytes[...]
            for (head, count) in self.heads {
                unsafe body(head, UnsafeRawBufferPointer(rebasing: rest.prefix(count)))
                unsafe rest = rest.dropFirst(count)
            }
        }
    }
}
