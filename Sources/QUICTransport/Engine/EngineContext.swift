internal import CNgtcp2
internal import NIOCore

/// The state that all engines of one endpoint share: buffers that idle connections must not each have, and keys.
@safe final class EngineContext {
    /// The events that engines recorded and nothing has handled yet, each with its connection.
    var events: [(connection: QUICConnection, event: EngineEvent)] = []
    let identifiers: any QUICConnectionIDGenerator
    private(set) var keys: KeyRing
    let expandedKeys = ExpandedKeys()

    /// The path and the ECN mark of the packet that ngtcp2 wrote last.
    let path: UnsafeMutablePointer<ngtcp2_path_storage>
    let packetInfo: UnsafeMutablePointer<ngtcp2_pkt_info>
    /// The pieces of one write of a stream.
    let vectors: UnsafeMutableBufferPointer<ngtcp2_vec>

    /// The received bytes that `received` events tell of.
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

    /// Makes and reads identifiers by other secrets from now on.
    func use(_ ring: KeyRing) throws(QUICError) {
        try self.identifiers.use(ring)
        self.keys = ring
    }

    /// Takes memory for a connection's engine. The memory can be folded if `folds` is true and the system has addresses left.
    func takeMemory(folds: Bool) -> ConnectionMemory {
        if folds, let region = self.regions.take() { return .region(region) }
        return .system(SystemMemory())
    }

    func giveBack(_ memory: ConnectionMemory) {
        if case .region(let region) = memory { self.regions.giveBack(region) }
    }

    /// Begins a read burst: users are expected to have released the slices of the burst before.
    func beginBurst() {
        self.arena.recycle()
    }

    /// Copies stream bytes out of ngtcp2's buffer. Consecutive bytes of a stream become one event.
    ///
    /// - Parameter stream: a `QUICStream`, whose reference count is not touched for bytes that follow others of the stream.
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

    /// The bytes of an event, and true if the end of the stream follows them.
    func received(_ run: Int) -> (bytes: ByteBuffer, finished: Bool) { self.arena.received(run) }

    /// Forgets the received bytes, after all events have been handled.
    func forgetReceived() { self.arena.forgetRuns() }
}

#if DEBUG
    extension EngineContext {
        /// A copy of the unsent bytes that a packet of the size would take.
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
