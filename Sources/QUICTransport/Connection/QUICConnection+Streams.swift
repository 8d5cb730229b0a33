extension QUICConnection {
    func addStream(_ id: Int64) -> QUICStream {
        let stream = QUICStream(id: id, connection: self)
        stream.index = self.streams.count
        self.streams.append(stream)
        return stream
    }

    func removeStream(_ stream: QUICStream) {
        let last = self.streams.removeLast()
        guard last !== stream else { return }
        self.streams[stream.index] = last
        last.index = stream.index
    }

    /// The number of streams that may hold `sendHighWaterMark` bytes each at the same time; of more streams each may hold
    /// less.
    static let fullSendShares = 4

    /// Unacknowledged bytes that each stream may hold, so that a stream whose data is not acknowledged leaves room for
    /// others.
    var sendShare: Int {
        min(self.sendHighWaterMark, Self.fullSendShares * self.sendHighWaterMark / max(1, self.streams.count))
    }

    /// Sets `sendHighWaterMark` to three congestion windows, within its limits: one is in flight, one lies behind a lost
    /// packet and counts as unacknowledged until the loss is repaired, and one is ready to be sent, so that the path never
    /// waits for the user.
    func adjustSendHighWaterMark() {
        guard let engine = self.engine else { return }
        let range = self.limits.sendHighWaterMark
        self.sendHighWaterMark = min(max(3 * engine.congestionWindow, range.lowerBound), range.upperBound)
    }

    /// Opens the streams of rejected early data again, in their order and so with the same numbers. False if one cannot be
    /// opened.
    func reopenStreams() -> Bool {
        guard let engine = self.engine else { return false }
        for stream in self.streams.sorted(by: { $0.id < $1.id }) {
            guard engine.reopen(stream) else { return false }
            stream.beginAnew()
        }
        self.markDirty()
        return true
    }

    func credit(_ count: Int, on stream: QUICStream) {
        self.engine?.credit(count, on: stream.id)
        self.endpoint.markDirty(self)
    }

    func resetStream(_ stream: QUICStream, code: UInt64) {
        self.engine?.resetStream(stream.id, code: code)
        self.markDirty()
    }

    func stopSending(_ stream: QUICStream, code: UInt64) {
        self.engine?.stopSending(stream.id, code: code)
        self.markDirty()
    }
}
