import NIOCore
import QUICTransport

/// A data stream on a QUIC connection: a further bidirectional stream of the client's.
final class QUICDataStreamTransport: DataStreamTransport {
    private let stream: QUICStream
    /// Held until the end is reported.
    private var owner: ClientLink?
    private var isAbandoned = false

    init(_ stream: QUICStream, for owner: ClientLink) {
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

    func abandon(code: UInt64) {
        isAbandoned = true
        stream.isReadingPaused = false
        stream.reset(code: code)
        stream.stopSending(code: code)
    }

    /// What still comes is for nobody, but the server may have to send it before it can end.
    func detach() {
        owner = nil
        stream.context = nil
        stream.isReadingPaused = false
    }

    // MARK: Reports of the connection

    func received(_ bytes: ByteBuffer, finished: Bool) {
        if isAbandoned { return }
        var bytes = bytes
        if bytes.readableBytes > 0 { owner?.received(&bytes) }
        if finished { ended(code: 0) }
    }

    func becameWritable() { owner?.becameWritable() }

    /// QUIC has forgotten the stream.
    func closed() {
        let owner = owner
        self.owner = nil
        stream.context = nil
        owner?.streamClosed()
    }

    /// The server ends the stream: by the end of its side, or by a code.
    func ended(code: UInt64) {
        if isAbandoned { return }
        stream.finish()
        if code != 0 {
            stream.reset(code: code)
            stream.stopSending(code: code)
        }
        owner?.ended(code: code)
    }
}
