internal import CNgtcp2
internal import NIOCore

/// What all engines of one endpoint share: scratch space that idle connections must not each hold, and keys.
@safe final class EngineContext {
    /// Events of the engine calls since the last drain, each with its connection.
    var events: [(connection: QUICConnection, event: EngineEvent)] = []
    let identifiers: any QUICConnectionIDGenerator
    let keys: KeyRing

    /// Where ngtcp2 tells the path and the ECN mark of a packet that it wrote.
    let path: UnsafeMutablePointer<ngtcp2_path_storage>
    let packetInfo: UnsafeMutablePointer<ngtcp2_pkt_info>
    /// Pieces of one stream write.
    let vectors: UnsafeMutableBufferPointer<ngtcp2_vec>

    private var arena = ReceiveArena()
    private(set) lazy var regions = EngineRegions()
    var foldSchedule = FoldSchedule()

    init(identifiers: any QUICConnectionIDGenerator, keys: KeyRing) {
        self.identifiers = identifiers
        self.keys = keys
        unsafe self.path = .allocate(capacity: 1)
        unsafe ngtcp2_path_storage_zero(self.path)
        unsafe self.packetInfo = .allocate(capacity: 1)
        unsafe self.packetInfo.initialize(to: ngtcp2_pkt_info())
        unsafe self.vectors = .allocate(capacity: 16)
        unsafe self.vectors.initialize(repeating: ngtcp2_vec())
    }

    deinit {
        unsafe self.path.deallocate()
        unsafe self.packetInfo.deallocate()
        unsafe self.vectors.deallocate()
    }

    /// Tells that the slices of the previous read burst are expected to be gone.
    func beginBurst() { self.arena.recycle() }

    /// Copies stream bytes out of ngtcp2's buffer. Consecutive bytes of a stream become one event.
    func record(_ bytes: UnsafeRawBufferPointer, on stream: QUICStream, finished: Bool, for connection: QUICConnection)
    {
        if case .received(stream, let previous, finished: false)? = self.events.last?.event,
            let joined = unsafe self.arena.extend(previous, by: bytes)
        {
            self.events[self.events.count - 1].event = .received(stream, joined, finished: finished)
        } else {
            unsafe self.events.append((connection, .received(stream, self.arena.append(bytes), finished: finished)))
        }
    }
}

private func ~= (stream: QUICStream, other: QUICStream) -> Bool { stream === other }

#if DEBUG
    extension EngineContext {
        /// The unsent bytes that a packet of the size would take, copied.
        func bytes(of queue: SendQueue, atMost limit: Int) -> [UInt8] {
            let described = unsafe queue.describeUnsent(self.vectors)
            var bytes: [UInt8] = []
            for index in 0..<described.count {
                let vector = unsafe self.vectors[index]
                unsafe bytes += UnsafeBufferPointer(start: vector.base, count: vector.len)
            }
            return Array(bytes.prefix(limit))
        }
    }
#endif
