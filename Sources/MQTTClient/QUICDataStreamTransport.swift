import NIOCore
import QUICTransport

/// A data stream on a QUIC connection: a further bidirectional stream of the client's.
final class QUICDataStreamTransport: ClientStreamTransport {
    private let stream: QUICStream
    /// Held until the end is reported.
    private var owner: ClientStream?

    init(_ stream: QUICStream, for owner: ClientStream) {
        self.stream = stream
        self.owner = owner
        stream.context = self
    }

    var isWritable: Bool { !stream.isCongested }

    var isReadingPaused: Bool {
        get { stream.isReadingPaused }
        set { stream.isReadingPaused = newValue }
    }

    func write(_ bytes: ByteBuffer) { stream.write(bytes) }

    func finish() { stream.finish() }

    func reset(code: UInt64) {
        stream.reset(code: code)
        stream.stopSending(code: code)
    }

    func letGo() {
        owner = nil
        stream.context = nil
    }

    // MARK: Reports of the connection

    func received(_ bytes: ByteBuffer, finished: Bool) {
        var bytes = bytes
        if bytes.readableBytes > 0 { owner?.received(&bytes) }
        if finished { ended(code: 0) }
    }

    func becameWritable() { owner?.becameWritable() }

    /// The server ends the stream: by the end of its side, or by a code.
    func ended(code: UInt64) {
        stream.finish()
        if code != 0 {
            stream.reset(code: code)
            stream.stopSending(code: code)
        }
        owner?.ended(code: code)
    }
}
