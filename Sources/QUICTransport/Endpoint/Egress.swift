/// The sending side of an endpoint: connections that have something to send, in turn, and their datagrams on the way to the
/// kernel.
struct Egress {
    /// How long to wait for a socket whose buffer was full, nanoseconds.
    private static let blockedInterval: UInt64 = 1_000_000

    let batch: TransmitBatch
    /// Connections that have something to send.
    private(set) var dirty: [QUICConnection] = []
    /// Connections of the flush under way; between flushes empty, but for its memory.
    private var flushing: [QUICConnection] = []
    private var next = 0
    /// Whether a flush is due at the end of the loop's tick.
    var isScheduled = false
    private(set) var isFlushing = false
    /// Until this instant the kernel takes no more, and nothing new is written; nanoseconds.
    private(set) var blockedUntil: UInt64?

    init(_ configuration: QUICSocketConfiguration) {
        self.batch = TransmitBatch(configuration)
    }

    /// Whether nothing is left to write or to send.
    var isEmpty: Bool { self.dirty.isEmpty && self.batch.isEmpty }

    mutating func append(_ connection: QUICConnection) {
        connection.isDirty = true
        self.dirty.append(connection)
    }

    // MARK: A flush

    mutating func begin() {
        self.isFlushing = true
        self.isScheduled = false
    }

    mutating func end() { self.isFlushing = false }

    /// Begins a round. Connections that become dirty meanwhile have their turn in the next one.
    mutating func beginRound() {
        swap(&self.dirty, &self.flushing)
        self.next = 0
    }

    /// The connection whose turn it is.
    var current: QUICConnection? { self.next < self.flushing.count ? self.flushing[self.next] : nil }

    mutating func advance() { self.next += 1 }

    /// Ends a round. Connections that had no turn are the first of the next one.
    mutating func endRound() {
        if self.next < self.flushing.count { self.dirty.insert(contentsOf: self.flushing[self.next...], at: 0) }
        self.flushing.removeAll(keepingCapacity: true)
    }

    mutating func abandon() { self.dirty.removeAll() }

    // MARK: The kernel

    /// Hands the batch to the kernel.
    mutating func send(on descriptor: CInt, counters: inout QUICCounters, now: () -> UInt64) -> TransmitBatch.Outcome {
        guard !self.batch.isEmpty else {
            self.blockedUntil = nil
            return .sent
        }
        let outcome = self.batch.send(on: descriptor, counters: &counters)
        if case .blocked = outcome {
            self.blockedUntil = now() + Self.blockedInterval
        } else {
            self.blockedUntil = nil
        }
        return outcome
    }

    /// There is another socket, or none.
    mutating func unblock() { self.blockedUntil = nil }
}
