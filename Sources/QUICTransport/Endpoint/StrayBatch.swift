internal import NIOCore

/// Datagrams that one loop read for connections of another loop: those of one read burst.
struct StrayBatch {
    /// A datagram of the batch.
    struct Datagram {
        fileprivate let count: Int
        let remote: DatagramAddress
        let local: DatagramAddress
        let ecn: UInt8
        /// The way that the datagram has come from another node.
        let ingress: RelayIngress?
    }

    /// Octets that each datagram counts beside its own, so that empty datagrams have a weight.
    private static let overhead = 128

    private var bytes = ByteBuffer()
    private var datagrams: [Datagram] = []

    var count: Int { self.datagrams.count }
    var isEmpty: Bool { self.datagrams.isEmpty }
    /// Octets that the batch holds in memory.
    var weight: Int { self.bytes.readableBytes + Self.overhead * self.datagrams.count }

    mutating func append(
        _ datagram: UnsafeRawBufferPointer,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        ingress: RelayIngress? = nil
    ) {
        unsafe self.bytes.writeBytes(datagram)
        self.datagrams.append(
            Datagram(count: datagram.count, remote: remote, local: local, ecn: ecn, ingress: ingress)
        )
    }

    func forEach(_ body: (UnsafeRawBufferPointer, Datagram) -> Void) {
        unsafe self.bytes.withUnsafeReadableBytes { bytes in
            var rest = unsafe bytes[...]
            for datagram in self.datagrams {
                unsafe body(UnsafeRawBufferPointer(rebasing: rest.prefix(datagram.count)), datagram)
                unsafe rest = rest.dropFirst(datagram.count)
            }
        }
    }
}
