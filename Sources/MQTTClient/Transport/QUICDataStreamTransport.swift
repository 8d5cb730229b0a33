import NIOCore
import QUICTransport

/// The transport of a data stream: a bidirectional stream of a client's QUIC connection beside the control stream.
final class QUICDataStreamTransport: DataStreamTransport {
    private let stream: QUICStream
    /// Present until the end is reported.
    private var owner: ClientLink?
    /// True once both directions were reset: nothing is reported any more but that the stream is closed.
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

    /// Octets that still arrive are ignored, but read: the server may have to send them before it can end the stream.
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

    /// QUIC has closed the stream: both sides have ended it and know of the other's end.
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
