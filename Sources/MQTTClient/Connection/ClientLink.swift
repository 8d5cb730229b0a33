package import MQTTCodec
package import NIOCore

/// Receives the events of a ``ClientLink``, on its event loop.
package protocol ClientLinkDelegate: AnyObject {
    /// The transport of the control stream is up and CONNECT is on its way: the first moment for
    /// ``ClientConnection/openStream(priority:)``. The server keeps what arrives on data streams until it has accepted CONNECT.
    func linkOpened(_ link: ClientLink)
    /// ``ClientEvent/closed(_:)`` is the last event of a data stream, and the last of each ``ClientConnection/connect()`` on the
    /// control stream.
    func link(_ link: ClientLink, received event: ClientEvent)
    /// ``ClientLink/isWritable`` is true again.
    func linkBecameWritable(_ link: ClientLink)
}

extension ClientLinkDelegate {
    package func linkOpened(_ link: ClientLink) {}
}

/// One stream of a ``ClientConnection`` and the MQTT session on it: the control stream, or over QUIC a data stream beside it,
/// with an order, windows and a flow control of its own, so that a large message on one stream delays no other.
///
/// Driven by callbacks, for loads of many clients: no task and no promise per packet. Confined to the event loop of its
/// ``ClientLoop``. The control stream's link outlives its connections; a data stream's is of no use after its end.
package final class ClientLink {
    package let id: ClientStreamID
    package internal(set) var session: ClientSession
    package weak var delegate: (any ClientLinkDelegate)?

    private let loop: ClientLoop
    /// Present from ``open(_:of:)`` to ``close()``.
    private(set) var connection: ClientConnection?
    private var transport: (any LinkTransport)?
    /// What an abandoned data stream leaves to its connection, until the server has heard that it is abandoned.
    var abandoned:
        (stream: any DataStreamTransport, connection: ClientConnection, messages: ClientSession.Unacknowledged)?
    private var input = PacketInput()
    private var isProcessing = false
    private(set) var isDirty = false
    private var wasUnwritable = false

    /// Octets that may wait for a flush before the link counts as not writable.
    static let highWaterMark = 65_536
    /// Octets of a large payload that are given to the transport in one tick of the event loop.
    static let pieceSize = 262_144
    /// Priority of a data stream unless another is asked for.
    package static let defaultPriority: UInt16 = 0x7FFF

    init(_ session: ClientSession, id: ClientStreamID, loop: ClientLoop) {
        self.id = id
        self.session = session
        self.loop = loop
    }

    /// Gives the link a transport, from now until ``close()``.
    func open(_ transport: any LinkTransport, of connection: ClientConnection) {
        self.transport = transport
        self.connection = connection
        if isReadingPaused { transport.isReadingPaused = true }
    }

    /// Takes the transport away, if there is one. Nothing is sent or received any more.
    @discardableResult
    func close() -> (any LinkTransport)? {
        let transport = transport
        self.transport = nil
        connection = nil
        input = PacketInput()
        return transport
    }

    /// True while there is a transport.
    package var isOpen: Bool { transport != nil }

    /// The transport of a data stream that is open.
    var dataStream: (any DataStreamTransport)? { transport as? any DataStreamTransport }

    // MARK: Requests

    /// Messages at QoS 1 and 2 that would be sent at once.
    package var availableQuota: Int { session.availableQuota }

    /// Messages at QoS 1 and 2 that may be without their final acknowledgement.
    package var maximumInflight: Int { session.configuration.maximumInflight }

    /// Messages at QoS 1 and 2 without their final acknowledgement, and those that wait.
    package var unacknowledged: Int { abandoned?.messages.count ?? session.unacknowledged }

    /// False if too many octets wait to be sent; ``ClientLinkDelegate/linkBecameWritable(_:)`` follows then.
    package var isWritable: Bool {
        guard let transport, transport.isWritable, session.output.readableBytes < Self.highWaterMark else {
            wasUnwritable = true
            return false
        }
        return true
    }

    /// True stops reading and delivering: octets that were read are kept.
    package var isReadingPaused = false {
        didSet {
            guard isReadingPaused != oldValue else { return }
            transport?.isReadingPaused = isReadingPaused
            if !isReadingPaused, !isProcessing {
                loop.eventLoop.assumeIsolated().execute { self.process() }
            }
        }
    }

    /// See ``ClientSession/publish(_:token:now:)``.
    package func publish(_ message: Publish, token: UInt64 = 0, now: NIODeadline) throws(ClientError) {
        try session.publish(message, token: token, now: now)
        markDirty()
    }

    /// See ``ClientSession/subscribe(_:token:now:)``.
    package func subscribe(_ request: Subscribe, token: UInt64 = 0) throws(ClientError) {
        try session.subscribe(request, token: token, now: .now())
        markDirty()
    }

    /// See ``ClientSession/unsubscribe(_:token:now:)``.
    package func unsubscribe(_ request: Unsubscribe, token: UInt64 = 0) throws(ClientError) {
        try session.unsubscribe(request, token: token, now: .now())
        markDirty()
    }

    // MARK: Sending

    /// Has ``flush()`` called at the end of this tick, if the session has written something.
    func markDirtyIfWritten() {
        if session.output.readableBytes > 0 { markDirty() }
    }

    private func markDirty() {
        guard !isDirty else { return }
        isDirty = true
        loop.schedule(self)
    }

    /// Gives the transport what the session has written: all of it, or one piece of a large payload while the transport takes
    /// any.
    func flush() {
        isDirty = false
        guard let transport else { return }
        if session.output.hasParts {
            writePieces(to: transport)
        } else if session.output.readableBytes > 0 {
            transport.write(session.output.buffer)
            // While the peer is slow, the transport still holds the storage: then clearing allocates a new one.
            if session.output.buffer.capacity > 2 * Self.highWaterMark {
                session.output = ClientOutput()
            } else {
                session.output.buffer.clear()
            }
        }
        connection?.scheduleTimer()
        if wasUnwritable { tellIfWritable() }
    }

    /// Gives the transport ``pieceSize`` octets, so that neither TLS nor a copy holds up the event loop for a large payload.
    private func writePieces(to transport: any LinkTransport) {
        var room = Self.pieceSize
        while room > 0, session.output.hasParts, transport.isWritable {
            let piece = session.output.takePiece(room)
            room -= piece.readableBytes
            transport.write(piece)
        }
        // Otherwise `becameWritable` marks the link dirty.
        if transport.isWritable || !session.output.hasParts { markDirty() }
    }

    /// Gives the transport everything that the session has written.
    func flushAll() {
        guard let transport else { return }
        while session.output.hasParts { transport.write(session.output.takePiece(.max)) }
        flush()
    }

    /// The transport is writable again.
    func becameWritable() {
        if session.output.hasParts { markDirty() }
        tellIfWritable()
    }

    private func tellIfWritable() {
        guard wasUnwritable, isWritable else { return }
        wasUnwritable = false
        delegate?.linkBecameWritable(self)
    }

    // MARK: Receiving

    func received(_ bytes: inout ByteBuffer) {
        input.append(&bytes)
        process()
    }

    private func process() {
        guard let delegate, !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        let now = NIODeadline.now()
        do throws(ClientError) {
            while transport != nil, !isReadingPaused, let event = try session.next(from: &input.bytes, now: now) {
                if case .connected = event { connection?.accepted(now: now) }
                delegate.link(self, received: event)
            }
        } catch {
            return failed(error)
        }
        guard transport != nil else { return }
        input.trim()
        markDirtyIfWritten()
        // An answer may be followed by something that is due earlier than the answer was.
        connection?.scheduleTimer()
    }

    /// The server has broken the rules of MQTT, or ended the connection by them.
    private func failed(_ error: ClientError) {
        if session.isDataStream { abandon(error.streamCode, error) } else { connection?.finish(error) }
    }
}

extension ClientError {
    /// The code of RESET_STREAM and STOP_SENDING for a data stream that cannot go on: a reason code of MQTT.
    fileprivate var streamCode: UInt64 {
        guard case .protocolViolation(let violation) = self else { return UInt64(ReasonCode.unspecifiedError.rawValue) }
        return UInt64(violation.reasonCode.rawValue)
    }
}
