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

    private var arena = ReceiveArena()
    /// What `received` events are about.
    private var runs: [Run] = []
    /// The stream of the last of them, and the place of its event.
    private var runStream: UnsafeMutableRawPointer?
    private var runEvent = -1

    private struct Run {
        var place: ReceiveArena.Place
        var finished: Bool
    }
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
        if self.runs.isEmpty { self.arena.recycle() }
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
        let last = self.runs.count - 1
        if unsafe stream == self.runStream, self.runEvent == self.events.count - 1, last >= 0,
            !self.runs[last].finished,
            unsafe self.arena.extend(&self.runs[last].place, by: bytes)
        {
            self.runs[last].finished = finished
            return
        }
        unsafe self.runs.append(Run(place: self.arena.append(bytes), finished: finished))
        unsafe self.runStream = stream
        self.runEvent = self.events.count
        let object = unsafe Unmanaged<QUICStream>.fromOpaque(stream).takeUnretainedValue()
        self.events.append((unsafe engine(user).connection, .received(object, run: self.runs.count - 1)))
    }

    /// The bytes of an event, and whether the end of the stream follows them.
    func received(_ run: Int) -> (bytes: ByteBuffer, finished: Bool) {
        (self.arena.slice(self.runs[run].place), self.runs[run].finished)
    }

    /// All events have been told.
    func forgetReceived() { self.runs.removeAll(keepingCapacity: true) }
}

#if DEBUG
    extension EngineContext {
        /// The unsent bytes that a packet of the size would take, copied.
        func bytes(of queue: borrowing SendQueue, atMost limit: Int) -> [UInt8] {
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
