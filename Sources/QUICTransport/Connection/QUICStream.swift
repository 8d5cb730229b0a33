package import NIOCore

/// One stream of a connection. Confined to the connection's event loop; calls on a closed stream do nothing.
package final class QUICStream {
    package let id: Int64
    package unowned let connection: QUICConnection
    /// An object that the user attaches to the stream.
    package var context: AnyObject?
    package private(set) var isClosed = false
    /// True while so many bytes are pending that the user should wait for `writable`.
    package private(set) var isCongested = false
    /// Priority of the stream's bytes: higher ones are sent first, equal ones take turns. 32,767 unless set.
    package var priority: UInt16 = 0x7FFF {
        didSet { if !self.isClosed { self.connection.hasPriorities = true } }
    }

    /// Bytes that are unsent or unacknowledged.
    var outgoing = SendQueue()
    /// Index among the connection's streams.
    var index = 0
    /// True while the peer's flow control allows no more bytes on this stream.
    var isBlocked = false
    private var isStopped = false
    private var isWriteShut = false
    /// The codes of RESET_STREAM and STOP_SENDING that were sent as early data, to be sent again if the server rejects it.
    private var earlyCodes: (reset: UInt64?, stop: UInt64?)?
    /// Received bytes for which the peer got no credit because reading is paused.
    private var uncredited = 0
    private var newlyAcknowledged = 0

    init(id: Int64, connection: QUICConnection) {
        self.id = id
        self.connection = connection
    }

    /// True if both sides may send; else only the side that opened the stream may.
    package var isBidirectional: Bool { self.id & 2 == 0 }

    /// Bytes that `write` accepted and the peer has not acknowledged.
    package var pendingBytes: Int { self.outgoing.count }

    /// While true, the peer gets no flow control credit for received bytes, and soon has to stop sending.
    package var isReadingPaused = false {
        didSet {
            guard !self.isReadingPaused, self.uncredited > 0, !self.isClosed else { return }
            self.connection.credit(self.uncredited, on: self)
            self.uncredited = 0
        }
    }

    /// Appends bytes to those to be sent. All are sent with the next flush.
    package func write(_ bytes: ByteBuffer) {
        guard self.isWritable else { return }
        self.outgoing.append(bytes)
        if self.outgoing.count >= self.connection.sendShare { self.isCongested = true }
        self.connection.markDirty()
    }

    /// Ends the sending side after the bytes written so far (FIN).
    package func finish() {
        guard self.isWritable else { return }
        self.outgoing.finish = .wanted
        self.connection.markDirty()
    }

    /// Abandons the sending side (RESET_STREAM); unsent bytes are dropped.
    package func reset(code: UInt64) {
        guard !self.isClosed, !self.isWriteShut else { return }
        self.shutWriting()
        if self.connection.isEarly { self.earlyCodes = (code, self.earlyCodes?.stop) }
        self.connection.resetStream(self, code: code)
    }

    /// Asks the peer to send no more (STOP_SENDING). Bytes that still arrive are dropped.
    package func stopSending(code: UInt64) {
        guard !self.isClosed, !self.isStopped else { return }
        self.isStopped = true
        if self.connection.isEarly { self.earlyCodes = (self.earlyCodes?.reset, code) }
        self.connection.stopSending(self, code: code)
    }

    // MARK: For the connection

    /// True if a packet may take something of this stream now.
    var hasWork: Bool { !self.isBlocked && !self.isWriteShut && self.outgoing.hasWork }

    /// True while received bytes are passed to the user.
    var deliversBytes: Bool { !self.isClosed && !self.isStopped }

    /// Shuts the sending side. False if it was shut before.
    @discardableResult
    func shutWriting() -> Bool {
        guard !self.isWriteShut else { return false }
        self.isWriteShut = true
        self.outgoing.abandonUnsent()
        return true
    }

    /// True while the sending side takes more bytes.
    var isWritable: Bool {
        guard case .open = self.outgoing.finish else { return false }
        return self.isSending
    }

    /// True while bytes, or the end of the stream, may still be sent.
    var isSending: Bool {
        guard !self.isClosed, !self.isWriteShut, self.outgoing.finish != .sent else { return false }
        // The sending side of a peer's unidirectional stream does not exist.
        return self.isBidirectional || (self.id & 1 == 0) != self.connection.isServer
    }

    /// Adds to the count of acknowledged bytes. True if the count was 0 before.
    func noteAcknowledged(_ count: Int) -> Bool {
        defer { self.newlyAcknowledged += count }
        return self.newlyAcknowledged == 0
    }

    /// Frees the acknowledged bytes. True if the stream has become writable by that.
    func handleAcknowledged() -> Bool {
        self.outgoing.acknowledge(self.newlyAcknowledged)
        self.newlyAcknowledged = 0
        // Three quarters of the mark keep the path busy while the user writes more.
        guard self.isCongested, self.outgoing.count <= self.connection.sendShare * 3 / 4 else { return false }
        self.isCongested = false
        return !self.isClosed && !self.isWriteShut
    }

    /// Sends everything again on a stream that was opened anew, since the server rejected it with all early data.
    func beginAnew() {
        self.isBlocked = false
        if !self.isWriteShut { self.outgoing.rewind() }
        if let code = self.earlyCodes?.reset { self.connection.resetStream(self, code: code) }
        if let code = self.earlyCodes?.stop { self.connection.stopSending(self, code: code) }
        self.earlyCodes = nil
    }

    /// Credits bytes that were passed to the user, unless reading is paused.
    func didDeliver(_ count: Int) {
        guard count > 0 else { return }
        if self.isReadingPaused && !self.isStopped {
            self.uncredited += count
        } else {
            self.connection.credit(count, on: self)
        }
    }

    /// Closes the stream after the engine has forgotten it. Returns received bytes that were never credited.
    func close() -> Int {
        defer { self.uncredited = 0 }
        self.isClosed = true
        self.outgoing = SendQueue()
        return self.uncredited
    }
}
