package import MQTTCodec
package import NIOCore

/// Told of everything that happens on a data stream, on its event loop.
package protocol ClientStreamDelegate: AnyObject {
    /// ``ClientEvent/closed(_:)`` is the last event; messages of this side without their final acknowledgement go on on the
    /// connection then, which tells what becomes of them.
    func stream(_ stream: ClientStream, received event: ClientEvent)
    /// ``ClientStream/isWritable`` is true again.
    func streamBecameWritable(_ stream: ClientStream)
}

/// A data stream beside a client's control stream, over QUIC: messages and subscriptions on it, with an order, windows and a
/// flow control of their own, so that a large message on one delays no other.
///
/// Confined to the event loop of its connection, and of no use after its end.
package final class ClientStream: ClientLink, ClientFlushing {
    package private(set) var session: ClientSession
    package weak var delegate: (any ClientStreamDelegate)?

    private weak var connection: ClientConnection?
    private let loop: ClientLoop
    private var transport: (any ClientStreamTransport)?
    private var input = PacketInput()
    private var isProcessing = false
    private var isDirty = false
    private var wasUnwritable = false
    /// What an abandoned stream leaves to its connection, until the server has heard that it is abandoned.
    private var abandoned: (transport: any ClientStreamTransport, remains: ClientSession.Unacknowledged)?

    init(_ session: ClientSession, of connection: ClientConnection) {
        self.session = session
        self.connection = connection
        loop = connection.loop
    }

    func start(_ transport: any ClientStreamTransport) { self.transport = transport }

    package var isOpen: Bool { transport != nil }

    /// Messages at QoS 1 and 2 without their final acknowledgement, and those that wait.
    var unacknowledged: Int { abandoned?.remains.count ?? session.unacknowledged }

    package var isWritable: Bool {
        guard let transport, transport.isWritable, session.output.readableBytes < ClientConnection.highWaterMark else {
            wasUnwritable = true
            return false
        }
        return true
    }

    package var isReadingPaused = false {
        didSet {
            guard isReadingPaused != oldValue else { return }
            transport?.isReadingPaused = isReadingPaused
            if !isReadingPaused { loop.eventLoop.assumeIsolated().execute { self.process() } }
        }
    }

    // MARK: Requests

    package var availableQuota: Int { session.availableQuota }
    package var maximumInflight: Int { session.configuration.maximumInflight }

    package func publish(_ message: Publish, token: UInt64, now: NIODeadline) throws(ClientError) {
        try session.publish(message, token: token, now: now)
        markDirty()
    }

    package func subscribe(_ request: Subscribe, token: UInt64) throws(ClientError) {
        try session.subscribe(request, token: token, now: .now())
        markDirty()
    }

    package func unsubscribe(_ request: Unsubscribe, token: UInt64) throws(ClientError) {
        try session.unsubscribe(request, token: token, now: .now())
        markDirty()
    }

    /// Ends the stream behind what was written, and its subscriptions with it. ``ClientEvent/closed(_:)`` without an error
    /// follows when the server has answered all of it.
    package func finish() {
        guard let transport, !session.isFinished else { return }
        flush()
        session.finishSending()
        transport.finish()
    }

    /// Abandons the stream; ``ClientEvent/closed(_:)`` without an error follows at once.
    package func reset(code: UInt64) { abandon(code: code, nil) }

    private func markDirty() {
        guard !isDirty else { return }
        isDirty = true
        loop.schedule(self)
    }

    func flush() {
        isDirty = false
        guard let transport else { return }
        if session.output.readableBytes > 0 {
            transport.write(session.output)
            session.output.clear()
            connection?.wroteOnStream()
        }
        if wasUnwritable { becameWritable() }
    }

    // MARK: Time

    /// The connection was accepted after the stream had been opened.
    func take(_ limits: ClientSession.ServerLimits, now: NIODeadline) {
        session.take(limits, now: now)
        if session.output.readableBytes > 0 { markDirty() }
    }

    func advance(to now: NIODeadline) {
        // A data stream waits for no CONNACK and no PINGRESP, so nothing is thrown.
        try? session.advance(to: now)
        if session.output.readableBytes > 0 { markDirty() }
    }

    // MARK: Reports of the transport

    func received(_ bytes: inout ByteBuffer) {
        input.append(&bytes)
        process()
    }

    func becameWritable() {
        guard wasUnwritable, isWritable else { return }
        wasUnwritable = false
        delegate?.streamBecameWritable(self)
    }

    /// The server ends its side, or both, with the code.
    func ended(code: UInt64) {
        end(session.isFinished && code == 0 ? nil : .streamEnded(code: code), now: .now())
    }

    /// The connection is over, and the stream with it.
    func connectionEnded(_ error: ClientError?) {
        end(error, now: .now())
        leaveRemains()
    }

    /// Both sides have ended the stream, and each knows of the other.
    func closed() {
        ended(code: 0)
        leaveRemains()
    }

    private func leaveRemains() {
        guard let abandoned else { return }
        self.abandoned = nil
        abandoned.transport.letGo()
        connection?.streamEnded(self, abandoned.remains, now: .now())
    }

    private func process() {
        guard let delegate, !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        let now = NIODeadline.now()
        do throws(ClientError) {
            while transport != nil, !isReadingPaused, let event = try session.next(from: &input.bytes, now: now) {
                delegate.stream(self, received: event)
            }
        } catch {
            return abandon(code: UInt64(error.streamCode.rawValue), error)
        }
        input.trim()
        if session.output.readableBytes > 0 { markDirty() }
    }

    /// Ends the stream for its user. What it leaves waits: were it repeated on the control stream before the server hears of
    /// this end, it would be taken for something new there.
    private func abandon(code: UInt64, _ error: ClientError?) {
        guard let transport else { return }
        self.transport = nil
        input = PacketInput()
        abandoned = (transport, session.takeUnacknowledged())
        transport.abandon(code: code)
        delegate?.stream(self, received: .closed(error))
    }

    private func end(_ error: ClientError?, now: NIODeadline) {
        guard let transport else { return }
        transport.letGo()
        self.transport = nil
        input = PacketInput()
        connection?.streamEnded(self, session.takeUnacknowledged(), now: now)
        delegate?.stream(self, received: .closed(error))
    }
}

extension ClientError {
    /// What the server is told of a stream that cannot go on.
    fileprivate var streamCode: ReasonCode {
        guard case .protocolViolation(let violation) = self else { return .unspecifiedError }
        return violation.reasonCode
    }
}
