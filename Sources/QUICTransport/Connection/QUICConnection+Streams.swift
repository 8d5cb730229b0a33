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

    /// Opens the streams of rejected early data anew, in their order and so by their numbers. False if one is missing.
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
