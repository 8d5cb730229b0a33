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

    func credit(_ count: Int, on stream: QUICStream) {
        self.engine?.credit(count, on: stream.id)
        self.markDirty()
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
