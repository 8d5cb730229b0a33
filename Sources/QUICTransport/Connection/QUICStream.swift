package import NIOCore

/// One stream of a connection. Confined to the connection's event loop; calls on a closed stream do nothing.
package final class QUICStream {
    package let id: Int64
    package unowned let connection: QUICConnection
    /// The user's own.
    package var context: AnyObject?
    package private(set) var isClosed = false
    /// Whether so much is pending that the user had better wait; `writable` is told when that is over.
    package private(set) var isCongested = false
    /// Streams of a higher priority send first; those of the same take turns. 32,767 unless set.
    package var priority: UInt16 = 0x7FFF {
        didSet { if !self.isClosed { self.connection.hasPriorities = true } }
    }

    /// Bytes that wait to be sent or acknowledged.
    var outgoing = SendQueue()
    /// Place among the connection's streams.
    var index = 0
    /// Flow control of the peer holds this stream.
    var isBlocked = false
    private var isStopped = false
    private var isWriteShut = false
    /// With what codes the peer was told of either, if early: it may have to be told again.
    private var earlyCodes: (reset: UInt64?, stop: UInt64?)?
    /// Received bytes that the peer got no credit for while reading is paused.
    private var uncredited = 0
    private var newlyAcknowledged = 0

    init(id: Int64, connection: QUICConnection) {
        self.id = id
        self.connection = connection
    }

    /// Whether both sides may send: else only the one that opened it.
    package var isBidirectional: Bool { self.id & 2 == 0 }

    /// Bytes accepted by `write` and not yet acknowledged by the peer.
    package var pendingBytes: Int { self.outgoing.count }

    /// While true, received bytes are not credited to the peer, so that flow control holds it.
    package var isReadingPaused = false {
        didSet {
            guard !self.isReadingPaused, self.uncredited > 0, !self.isClosed else { return }
            self.connection.credit(self.uncredited, on: self)
            self.uncredited = 0
        }
    }

    /// Appends bytes to what is sent. They leave with the next flush.
    package func write(_ bytes: ByteBuffer) {
        guard self.isWritable else { return }
        self.outgoing.append(bytes)
        if self.outgoing.count >= self.connection.sendShare { self.isCongested = true }
        self.connection.markDirty()
    }

    /// Ends the sending side behind what was written.
    package func finish() {
        guard self.isWritable else { return }
        self.outgoing.finish = .wanted
        self.connection.markDirty()
    }

    /// Abandons the sending side (RESET_STREAM); unsent bytes are gone.
    package func reset(code: UInt64) {
        guard !self.isClosed, !self.isWriteShut else { return }
        self.shutWriting()
        if self.connection.isEarly { self.earlyCodes = (code, self.earlyCodes?.stop) }
        self.connection.resetStream(self, code: code)
    }

    /// Asks the peer to send no more (STOP_SENDING). What still arrives is ignored.
    package func stopSending(code: UInt64) {
        guard !self.isClosed, !self.isStopped else { return }
        self.isStopped = true
        if self.connection.isEarly { self.earlyCodes = (self.earlyCodes?.reset, code) }
        self.connection.stopSending(self, code: code)
    }

    // MARK: For the connection

    /// Whether a packet should be tried for it.
    var hasWork: Bool { !self.isBlocked && !self.isWriteShut && self.outgoing.hasWork }

    /// Whether received bytes still go to the user.
    var deliversBytes: Bool { !self.isClosed && !self.isStopped }

    /// Nothing more is sent. False if that was so before.
    @discardableResult
    func shutWriting() -> Bool {
        guard !self.isWriteShut else { return false }
        self.isWriteShut = true
        self.outgoing.abandonUnsent()
        return true
    }

    /// Whether the sending side takes more bytes.
    var isWritable: Bool {
        guard case .open = self.outgoing.finish else { return false }
        return self.isSending
    }

    /// Whether bytes or the end of the stream may still be sent.
    var isSending: Bool {
        guard !self.isClosed, !self.isWriteShut, self.outgoing.finish != .sent else { return false }
        // The sending side of a peer's unidirectional stream does not exist.
        return self.isBidirectional || (self.id & 1 == 0) != self.connection.isServer
    }

    /// Counts acknowledged bytes until they are handled; true if this begins a count.
    func noteAcknowledged(_ count: Int) -> Bool {
        defer { self.newlyAcknowledged += count }
        return self.newlyAcknowledged == 0
    }

    /// Frees what was acknowledged; true if the stream has become writable by it.
    func handleAcknowledged() -> Bool {
        self.outgoing.acknowledge(self.newlyAcknowledged)
        self.newlyAcknowledged = 0
        // With three quarters there is enough left for the path while the user comes up with more.
        guard self.isCongested, self.outgoing.count <= self.connection.sendShare * 3 / 4 else { return false }
        self.isCongested = false
        return !self.isClosed && !self.isWriteShut
    }

    /// The server has rejected the stream with all early data, and it has been opened again: everything is sent anew.
    func beginAnew() {
        self.isBlocked = false
        if !self.isWriteShut { self.outgoing.rewind() }
        if let code = self.earlyCodes?.reset { self.connection.resetStream(self, code: code) }
        if let code = self.earlyCodes?.stop { self.connection.stopSending(self, code: code) }
        self.earlyCodes = nil
    }

    /// Takes note of bytes that the user has been given; they are credited unless the user has paused.
    func didDeliver(_ count: Int) {
        guard count > 0 else { return }
        if self.isReadingPaused && !self.isStopped {
            self.uncredited += count
        } else {
            self.connection.credit(count, on: self)
        }
    }

    /// The engine has forgotten the stream. Returns received bytes that were never credited.
    func close() -> Int {
        defer { self.uncredited = 0 }
        self.isClosed = true
        self.outgoing = SendQueue()
        return self.uncredited
    }
}
