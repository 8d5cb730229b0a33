package import MQTTCodec
package import NIOCore
package import QUICTransport

/// An MQTT client with an `async` interface: one connection at a time, over TCP, TLS or QUIC.
///
/// The executor of the actor is an event loop. Received messages wait in a bounded buffer: while it is full, the client does
/// not read from the transport, whose flow control then stops the server.
package actor MQTTClient {
    package nonisolated let eventLoop: any EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    private let loop: ClientLoop
    let connection: ClientConnection
    /// The control stream, and the data streams that the user has not closed.
    private var streams: [ClientStreamID: Stream]
    private let control: Stream
    private let messageLimit: Int

    private var connecting: CheckedContinuation<ConnectAcknowledgement, any Error>?
    private var requests: [UInt64: Request] = [:]
    private var nextToken: UInt64 = 1

    /// A request without an answer, and who waits for it.
    private enum Request {
        case publish(CheckedContinuation<ReasonCode, any Error>)
        /// Counted by the stream that the message was posted on; no task waits for this answer alone.
        case post(Stream)
        /// SUBSCRIBE or UNSUBSCRIBE.
        case subscribe(CheckedContinuation<[ReasonCode], any Error>, Stream)

        /// Tells the task that waits that no answer will come.
        func fail(_ error: ClientError) {
            switch self {
            case .publish(let continuation): continuation.resume(throwing: error)
            case .post: break
            case .subscribe(let continuation, _): continuation.resume(throwing: error)
            }
        }
    }

    /// - Parameter messageLimit: messages that may wait for the reader before the connection stops reading.
    package init(
        configuration: ClientConfiguration,
        target: ConnectionTarget,
        eventLoop: any EventLoop,
        messageLimit: Int = 1024
    ) {
        let loop = ClientLoop(eventLoop: eventLoop)
        self.eventLoop = eventLoop
        self.loop = loop
        self.messageLimit = messageLimit
        connection = ClientConnection(configuration: configuration, target: target, loop: loop)
        control = Stream(connection.control, messageLimit: messageLimit)
        streams = [.control: control]
    }

    /// Connects, lets `body` use the client, and disconnects however it ends.
    package static func withConnection<Result>(
        configuration: ClientConfiguration,
        target: ConnectionTarget,
        eventLoop: any EventLoop,
        _ body: (MQTTClient, ConnectAcknowledgement) async throws -> Result
    ) async throws -> Result {
        let client = MQTTClient(configuration: configuration, target: target, eventLoop: eventLoop)
        let result: Result
        do {
            let acknowledgement = try await client.connect()
            result = try await body(client, acknowledgement)
        } catch {
            await client.disconnect()
            throw error
        }
        await client.disconnect()
        return result
    }

    // MARK: Connecting

    /// Connects, also again after the end of a connection; the session continues if the server still has it.
    ///
    /// - Throws: ``ClientError``.
    package func connect() async throws -> ConnectAcknowledgement {
        control.end = .open
        return try await withCheckedThrowingContinuation { continuation in
            connecting = continuation
            connection.control.delegate = self
            connection.connect()
        }
    }

    /// Whether the server accepted the early data of the last QUIC handshake: CONNECT and the packets behind it.
    package var earlyData: QUICEarlyData { connection.earlyData }

    /// The last QUIC session ticket that the server gave, unless it is used: the next connection resumes with it.
    package var ticket: QUICSessionTicket? { connection.ticket }

    /// Sets the QUIC session ticket that the next connection resumes with. Another client may have had it from the same server.
    package func use(_ ticket: QUICSessionTicket) { connection.ticket = ticket }

    /// Sends DISCONNECT, waits until everything is sent, and closes.
    ///
    /// - Parameter publishesWill: leaves DISCONNECT out, so that the server publishes the will.
    package func disconnect(publishesWill: Bool = false) async {
        if publishesWill { connection.abort() } else { connection.disconnect() }
        try? await loop.shutdown().get()
    }

    /// Moves to another local address, over QUIC (RFC 9000 §9): neither the session nor the messages under way notice.
    ///
    /// - Parameter local: port 0 for any.
    /// - Throws: ``ClientError``.
    package func migrate(to local: SocketAddress, _ migration: QUICEndpoint.Migration = .active) async throws {
        try await connection.migrate(to: local, migration).get()
    }

    // MARK: Messages

    /// Publishes, and waits for the final acknowledgement at QoS 1 and 2, or until the message is written at QoS 0.
    ///
    /// - Returns: the server's reason code, which may report a failure.
    /// - Throws: ``ClientError``.
    @discardableResult
    package func publish(_ message: Publish, on id: ClientStreamID = .control) async throws -> ReasonCode {
        guard message.qos > .atMostOnce else {
            try await post(message, on: id)
            return .success
        }
        let link = try stream(id).link
        return try await withCheckedThrowingContinuation { continuation in
            request(.publish(continuation)) { token throws(ClientError) in
                try link.publish(message, token: token, now: .now())
            }
        }
    }

    /// Publishes without waiting for the acknowledgement, but not before there is room for the message: for many in a row.
    ///
    /// - Throws: ``ClientError``.
    package func post(_ message: Publish, on id: ClientStreamID = .control) async throws {
        let stream = try stream(id)
        let link = stream.link
        let inflight = message.qos > .atMostOnce ? link.maximumInflight : .max
        while case .open = stream.end, !link.isWritable || stream.posted >= inflight {
            await withCheckedContinuation { stream.writers.append($0) }
        }
        if case .closed(let error) = stream.end { throw error ?? .notConnected }
        guard message.qos > .atMostOnce else { return try link.publish(message, now: .now()) }
        stream.posted += 1
        let token = takeToken()
        requests[token] = .post(stream)
        do {
            try link.publish(message, token: token, now: .now())
        } catch {
            stream.posted -= 1
            requests[token] = nil
            throw error
        }
    }

    /// Posts one after the other.
    package func post(contentsOf messages: [Publish]) async throws {
        for message in messages { try await post(message) }
    }

    /// Waits for the acknowledgement of everything that was posted on the stream.
    ///
    /// - Returns: a reason code of failure if one of the messages had one, else success.
    /// - Throws: ``ClientError`` when the connection ended before.
    package func waitForAcknowledgements(on id: ClientStreamID = .control) async throws -> ReasonCode {
        let stream = try stream(id)
        // What a data stream leaves is acknowledged on the control stream.
        while case .open = control.end, stream.posted > 0 {
            await withCheckedContinuation { stream.writers.append($0) }
        }
        if stream.posted > 0, case .closed(let error) = control.end { throw error ?? .notConnected }
        defer { stream.postFailure = nil }
        return stream.postFailure ?? .success
    }

    /// Subscribes; a data stream's subscriptions end with it.
    ///
    /// - Returns: a reason code for each subscription, in order.
    /// - Throws: ``ClientError``.
    @discardableResult
    package func subscribe(
        _ subscriptions: [Subscribe.Subscription],
        identifier: UInt32? = nil,
        on id: ClientStreamID = .control
    ) async throws -> [ReasonCode] {
        let stream = try stream(id)
        return try await withCheckedThrowingContinuation { continuation in
            request(.subscribe(continuation, stream)) { token throws(ClientError) in
                let packet = Subscribe(
                    packetIdentifier: 0,
                    subscriptions: subscriptions,
                    subscriptionIdentifier: identifier
                )
                try stream.link.subscribe(packet, token: token)
            }
        }
    }

    /// - Returns: a reason code for each filter, in order.
    /// - Throws: ``ClientError``.
    @discardableResult
    package func unsubscribe(_ filters: [String], on id: ClientStreamID = .control) async throws -> [ReasonCode] {
        let stream = try stream(id)
        return try await withCheckedThrowingContinuation { continuation in
            request(.subscribe(continuation, stream)) { token throws(ClientError) in
                try stream.link.unsubscribe(Unsubscribe(packetIdentifier: 0, topicFilters: filters), token: token)
            }
        }
    }

    /// The next message of the stream, or `nil` once this side has ended it. For one reader at a time on each stream.
    ///
    /// - Throws: ``ClientError`` when the stream was lost, after the last message that it brought.
    package func nextMessage(on id: ClientStreamID = .control) async throws -> Publish? {
        guard let stream = streams[id], try await waitForMessage(on: stream) else { return nil }
        return stream.takeMessage()
    }

    /// All messages that have come, at least one, or `nil` once this side has ended the stream: for many in a row.
    ///
    /// - Throws: as ``nextMessage(on:)``.
    package func nextMessages(on id: ClientStreamID = .control) async throws -> [Publish]? {
        guard let stream = streams[id], try await waitForMessage(on: stream) else { return nil }
        return stream.takeMessages()
    }

    /// - Returns: false if this side has ended the stream, and no message is left.
    private func waitForMessage(on stream: Stream) async throws -> Bool {
        let bound = NIOLoopBound(stream, eventLoop: eventLoop)
        while stream.received.isEmpty {
            if case .closed(let error) = stream.end {
                guard let error else { return false }
                throw error
            }
            try await withTaskCancellationHandler {
                try await self.suspendReader(of: stream)
            } onCancel: {
                eventLoop.execute { bound.value.cancelReader() }
            }
        }
        return true
    }

    /// A method of the actor: a closure that does not capture `self` would leave its executor.
    private func suspendReader(of stream: Stream) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            stream.cancelReader()
            stream.reader = continuation
            if Task.isCancelled { stream.cancelReader() }
        }
    }

    // MARK: Data streams

    /// Opens a data stream beside the control stream, over QUIC. Messages and subscriptions on it have an order and a flow
    /// control of their own; it ends with the connection at the latest.
    ///
    /// - Parameter priority: what is written on streams of a higher one is sent first.
    /// - Throws: ``ClientError/streamsNotSupported``, ``ClientError/streamLimitReached``, ``ClientError/notConnected``.
    package func openStream(priority: UInt16 = ClientLink.defaultPriority) throws(ClientError) -> ClientStreamID {
        let link = try connection.openStream(priority: priority)
        link.delegate = self
        streams[link.id] = Stream(link, messageLimit: messageLimit)
        return link.id
    }

    /// Ends a data stream behind what was written (FIN), and its subscriptions with it, and waits until the server has answered
    /// all of it. Messages without their final acknowledgement go on on the control stream.
    ///
    /// - Throws: ``ClientError`` when the stream ended otherwise.
    package func close(_ id: ClientStreamID) async throws {
        guard id != .control, let stream = streams[id] else { return }
        stream.link.finish()
        while case .open = stream.end {
            await withCheckedContinuation { stream.writers.append($0) }
        }
        streams[id] = nil
        if case .closed(let error?) = stream.end { throw error }
    }

    /// Abandons a data stream in both directions. Messages without their final acknowledgement go on on the control stream.
    package func reset(_ id: ClientStreamID, code: UInt64 = 0) {
        guard id != .control else { return }
        streams[id]?.link.reset(code: code)
        streams[id] = nil
    }

    private func stream(_ id: ClientStreamID) throws(ClientError) -> Stream {
        guard let stream = streams[id] else { throw .notConnected }
        return stream
    }

    // MARK: Requests

    private func takeToken() -> UInt64 {
        defer { nextToken += 1 }
        return nextToken
    }

    private func request(_ request: Request, _ send: (UInt64) throws(ClientError) -> Void) {
        let token = takeToken()
        do throws(ClientError) {
            requests[token] = request
            try send(token)
        } catch {
            requests.removeValue(forKey: token)?.fail(error)
        }
    }
}

// MARK: - Events

extension MQTTClient: ClientLinkDelegate {
    package nonisolated func link(_ link: ClientLink, received event: ClientEvent) {
        let id = link.id
        assumeIsolated { $0.handle(event, on: id) }
    }

    package nonisolated func linkBecameWritable(_ link: ClientLink) {
        let id = link.id
        assumeIsolated { $0.streams[id]?.wakeWriters() }
    }

    private func handle(_ event: ClientEvent, on id: ClientStreamID) {
        guard let stream = streams[id] else { return }
        switch event {
        case .connected(let acknowledgement):
            connecting?.resume(returning: acknowledgement)
            connecting = nil
        case .message(let message):
            stream.deliver(message)
        case .published(let token, let code):
            published(token, code)
        case .abandoned(let token):
            if case .post(let owner)? = requests[token] { owner.acknowledged(.unspecifiedError) }
            requests.removeValue(forKey: token)?.fail(.sessionLost)
        case .subscribed(let token, let answer):
            answered(token, answer.reasonCodes)
        case .unsubscribed(let token, let answer):
            answered(token, answer.reasonCodes)
        case .closed(let error):
            if id == .control { connectionClosed(error) } else { streamClosed(stream, error) }
        }
    }

    /// The stream that a message was posted on counts its acknowledgement, also where that comes on the control stream after
    /// the stream's end.
    private func published(_ token: UInt64, _ code: ReasonCode) {
        switch requests.removeValue(forKey: token) {
        case .publish(let continuation): continuation.resume(returning: code)
        case .post(let owner): owner.acknowledged(code)
        case .subscribe, nil: return
        }
    }

    private func answered(_ token: UInt64, _ codes: [ReasonCode]) {
        guard case .subscribe(let continuation, _)? = requests.removeValue(forKey: token) else { return }
        continuation.resume(returning: codes)
    }

    /// SUBSCRIBE and UNSUBSCRIBE end with the data stream that they were sent on; messages do not.
    private func streamClosed(_ stream: Stream, _ error: ClientError?) {
        for (token, request) in requests {
            guard case .subscribe(_, let owner) = request, owner === stream else { continue }
            requests[token] = nil
            request.fail(error ?? .notConnected)
        }
        stream.close(error)
    }

    private func connectionClosed(_ error: ClientError?) {
        connecting?.resume(throwing: error ?? .notConnected)
        connecting = nil
        // Messages at QoS 1 and 2 stay in the session, but the tasks that wait are told now.
        let pending = requests
        requests = pending.filter { if case .post = $0.value { true } else { false } }
        for request in pending.values { request.fail(error ?? .notConnected) }
        control.close(error)
        for stream in streams.values { stream.wakeWriters() }
    }
}
