internal import CNgtcp2
internal import NIOCore

/// What all engines of one endpoint share: scratch space that idle connections must not each hold, and keys.
@safe final class EngineContext {
    /// Events of the engine calls since the last drain, each with its connection.
    var events: [(connection: QUICConnection, event: EngineEvent)] = []
    let identifiers: any QUICConnectionIDGenerator
    let keys: KeyRing
    let expandedKeys = ExpandedKeys()

    /// Where ngtcp2 tells the path and the ECN mark of a packet that it wrote.
    let path: UnsafeMutablePointer<ngtcp2_path_storage>
    let packetInfo: UnsafeMutablePointer<ngtcp2_pkt_info>
    /// Pieces of one stream write.
    let vectors: UnsafeMutableBufferPointer<ngtcp2_vec>

    /// What `received` events are about.
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

    /// Memory for a connection's engine, which can be folded if it is to be and the system has addresses left.
    func takeMemory(folds: Bool) -> ConnectionMemory {
        if folds, let region = self.regions.take() { return .region(region) }
        return .system(SystemMemory())
    }

    func giveBack(_ memory: ConnectionMemory) {
        if case .region(let region) = memory { self.regions.giveBack(region) }
    }

    /// Tells that the slices of the previous read burst are expected to be gone.
    func beginBurst() {
        self.arena.recycle()
    }

    /// Copies stream bytes out of ngtcp2's buffer. Consecutive bytes of a stream become one event.
    ///
    /// - Parameter stream: a `QUICStream`. For bytes that follow others of its own its reference count is not touched.
    func record(
        _ bytes: UnsafeRawBufferPointer,
        on stream: UnsafeMutableRawPointer,
        finished: Bool,
        user: UnsafeMutableRawPointer?
    ) {
        guard
            let run = unsafe self.arena.add(bytes, of: stream, finished: finished, event: self.events.count)
        else { return }
        let object = unsafe Unmanaged<QUICStream>.fromOpaque(stream).takeUnretainedValue()
        self.events.append((unsafe engine(user).connection, .received(object, run: run)))
    }

    /// The bytes of an event, and whether the end of the stream follows them.
    func received(_ run: Int) -> (bytes: ByteBuffer, finished: Bool) { self.arena.received(run) }

    /// All events have been told.
    func forgetReceived() { self.arena.forgetRuns() }
}

#if DEBUG
    extension EngineContext {
        /// The unsent bytes that a packet of the size would take, copied.
        func bytes(of queue: borrowing SendQueue, atMost limit: Int) -> [UInt8] {
            let described = unsafe queue.describeUnsent(self.vectors, room: limit)
            var bytes: [UInt8] = []
            for index in 0..<described.count {
                let vector = unsafe self.vectors[index]
                unsafe bytes += UnsafeBufferPointer(start: vector.base, count: vector.len)
            }
            return Array(bytes.prefix(limit))
        }
    }
#endif
