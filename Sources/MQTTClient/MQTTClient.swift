package import MQTTCodec
package import NIOCore
package import QUICTransport

/// An MQTT client for people who write `await`: one connection at a time, on any transport.
///
/// It runs on an event loop, which is its executor. What it receives waits in a bounded buffer: a slow reader makes it stop
/// reading, and the server feels it by flow control.
package actor MQTTClient {
    package nonisolated let eventLoop: any EventLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    private let loop: ClientLoop
    let link: ClientConnection
    private let control: ClientChannel
    private var streams: [ClientStreamID: ClientChannel] = [:]
    private var lastStream: UInt64 = 0
    private let messageLimit: Int

    private var connecting: CheckedContinuation<ConnectAcknowledgement, any Error>?
    private var requests: [UInt64: Request] = [:]
    private var nextToken: UInt64 = 1

    private enum Request {
        case publish(CheckedContinuation<ReasonCode, any Error>)
        /// Its owner does not wait for it alone.
        case post(ClientChannel)
        case subscribe(CheckedContinuation<[ReasonCode], any Error>, ClientChannel)

        /// The request is answered by nobody any more.
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
        link = ClientConnection(configuration: configuration, target: target, loop: loop)
        control = ClientChannel(link, messageLimit: messageLimit)
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

    /// Opens the connection; again after its end, when the session goes on if the server still has it.
    ///
    /// - Throws: ``ClientError``.
    package func connect() async throws -> ConnectAcknowledgement {
        control.end = .open
        return try await withCheckedThrowingContinuation { continuation in
            connecting = continuation
            link.delegate = self
            link.connect()
        }
    }

    /// What became of CONNECT, and of what followed it, if they were sent ahead of the handshake's end.
    package var earlyData: QUICEarlyData { link.earlyData }

    /// What the next connection resumes with: the last ticket that the server gave, and that was not used yet.
    package var ticket: QUICSessionTicket? { link.ticket }

    /// Lets the next connection resume with a ticket that another client had from the same server.
    package func resume(with ticket: QUICSessionTicket) { link.ticket = ticket }

    /// Sends DISCONNECT, waits until everything is sent, and closes.
    ///
    /// - Parameter publishesWill: leaves DISCONNECT out, so that the server publishes the will.
    package func disconnect(publishesWill: Bool = false) async {
        if publishesWill { link.abort() } else { link.disconnect() }
        try? await loop.shutdown().get()
    }

    /// Goes on from another local address, over QUIC: neither the session nor the messages under way notice.
    ///
    /// - Parameter local: port 0 for any.
    /// - Throws: ``ClientError``.
    package func migrate(to local: SocketAddress, _ migration: QUICEndpoint.Migration = .active) async throws {
        try await link.migrate(to: local, migration).get()
    }

    // MARK: Messages

    /// Publishes, and waits for the final acknowledgement at QoS 1 and 2, or until the message is handed to the transport at
    /// QoS 0.
    ///
    /// - Parameter stream: the data stream that it goes over, or the connection.
    /// - Returns: the server's reason code, which may report a failure.
    /// - Throws: ``ClientError``.
    @discardableResult
    package func publish(_ message: Publish, on stream: ClientStreamID? = nil) async throws -> ReasonCode {
        guard message.qos > .atMostOnce else {
            try await post(message, on: stream)
            return .success
        }
        let link = try openChannel(stream).link
        return try await withCheckedThrowingContinuation { continuation in
            request(.publish(continuation)) { token throws(ClientError) in
                try link.publish(message, token: token, now: .now())
            }
        }
    }

    /// Publishes without waiting for the acknowledgement, but not before there is room for the message: for many in a row.
    ///
    /// - Throws: ``ClientError``.
    package func post(_ message: Publish, on stream: ClientStreamID? = nil) async throws {
        let channel = try openChannel(stream)
        let link = channel.link
        let inflight = message.qos > .atMostOnce ? link.maximumInflight : .max
        while case .open = channel.end, !link.isWritable || channel.posted >= inflight {
            await withCheckedContinuation { channel.writers.append($0) }
        }
        if case .closed(let error) = channel.end { throw error ?? .notConnected }
        guard message.qos > .atMostOnce else { return try link.publish(message, token: 0, now: .now()) }
        channel.posted += 1
        let token = takeToken()
        requests[token] = .post(channel)
        do {
            try link.publish(message, token: token, now: .now())
        } catch {
            channel.posted -= 1
            requests[token] = nil
            throw error
        }
    }

    /// Posts one after the other.
    package func post(contentsOf messages: [Publish]) async throws {
        for message in messages { try await post(message) }
    }

    /// Waits for the acknowledgement of everything that was posted, on the data stream or the connection.
    ///
    /// - Returns: a reason code of failure if one of the messages had one, else success.
    /// - Throws: ``ClientError`` when the connection ended before.
    package func settle(_ stream: ClientStreamID? = nil) async throws -> ReasonCode {
        guard let channel = channel(stream) else { throw ClientError.notConnected }
        while case .open = control.end, channel.posted > 0 {
            await withCheckedContinuation { channel.writers.append($0) }
        }
        if channel.posted > 0, case .closed(let error) = control.end { throw error ?? .notConnected }
        defer { channel.postFailure = nil }
        return channel.postFailure ?? .success
    }

    /// - Returns: a reason code for each subscription, in order.
    /// - Throws: ``ClientError``.
    @discardableResult
    package func subscribe(
        _ subscriptions: [Subscribe.Subscription],
        identifier: UInt32? = nil,
        on stream: ClientStreamID? = nil
    ) async throws -> [ReasonCode] {
        let channel = try openChannel(stream)
        return try await withCheckedThrowingContinuation { continuation in
            request(.subscribe(continuation, channel)) { token throws(ClientError) in
                let packet = Subscribe(
                    packetIdentifier: 0,
                    subscriptions: subscriptions,
                    subscriptionIdentifier: identifier
                )
                try channel.link.subscribe(packet, token: token)
            }
        }
    }

    /// - Returns: a reason code for each filter, in order.
    /// - Throws: ``ClientError``.
    @discardableResult
    package func unsubscribe(_ filters: [String], on stream: ClientStreamID? = nil) async throws -> [ReasonCode] {
        let channel = try openChannel(stream)
        return try await withCheckedThrowingContinuation { continuation in
            request(.subscribe(continuation, channel)) { token throws(ClientError) in
                try channel.link.unsubscribe(Unsubscribe(packetIdentifier: 0, topicFilters: filters), token: token)
            }
        }
    }

    /// The next message of the data stream or the connection, or `nil` once this side has ended it. For one reader at a time
    /// on each.
    ///
    /// - Throws: ``ClientError`` when it was lost, after the last message that it brought.
    package func nextMessage(on stream: ClientStreamID? = nil) async throws -> Publish? {
        guard let channel = channel(stream), try await waitForMessage(channel) else { return nil }
        return channel.takeMessage()
    }

    /// All messages that have come, at least one, or `nil` once this side has disconnected: for many in a row.
    ///
    /// - Throws: as ``nextMessage()``.
    package func nextMessages(on stream: ClientStreamID? = nil) async throws -> [Publish]? {
        guard let channel = channel(stream), try await waitForMessage(channel) else { return nil }
        return channel.takeMessages()
    }

    /// - Returns: whether there is one.
    private func waitForMessage(_ channel: ClientChannel) async throws -> Bool {
        let bound = NIOLoopBound(channel, eventLoop: eventLoop)
        while channel.received.isEmpty {
            if case .closed(let error) = channel.end {
                guard let error else { return false }
                throw error
            }
            try await withTaskCancellationHandler {
                try await self.suspendReader(of: channel)
            } onCancel: {
                eventLoop.execute { bound.value.cancelReader() }
            }
        }
        return true
    }

    /// On the actor, which a closure without `self` would leave.
    private func suspendReader(of channel: ClientChannel) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            channel.cancelReader()
            channel.reader = continuation
            if Task.isCancelled { channel.cancelReader() }
        }
    }

    // MARK: Channels

    func add(_ stream: ClientStream) -> ClientStreamID {
        lastStream += 1
        let id = ClientStreamID(number: lastStream)
        streams[id] = ClientChannel(stream, messageLimit: messageLimit)
        return id
    }

    func forget(_ id: ClientStreamID) { streams[id] = nil }

    func channel(_ id: ClientStreamID?) -> ClientChannel? {
        guard let id else { return control }
        return streams[id]
    }

    func channel(of link: ObjectIdentifier) -> ClientChannel? {
        streams.values.first { ObjectIdentifier($0.link) == link }
    }

    private func openChannel(_ id: ClientStreamID?) throws(ClientError) -> ClientChannel {
        guard let channel = channel(id) else { throw .notConnected }
        return channel
    }

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

extension MQTTClient: ClientConnectionDelegate {
    package nonisolated func connection(_ connection: ClientConnection, received event: ClientEvent) {
        assumeIsolated { $0.handle(event, on: $0.control) }
    }

    package nonisolated func connectionBecameWritable(_ connection: ClientConnection) {
        assumeIsolated { $0.control.wakeWriters() }
    }

    func handle(_ event: ClientEvent, on channel: ClientChannel) {
        switch event {
        case .connected(let acknowledgement):
            connecting?.resume(returning: acknowledgement)
            connecting = nil
        case .message(let message):
            channel.deliver(message)
        case .published(let token, let code):
            published(token, code)
        case .abandoned(let token):
            if case .post(let owner)? = requests[token] { owner.settled(.unspecifiedError) }
            requests.removeValue(forKey: token)?.fail(.sessionLost)
        case .subscribed(let token, let answer):
            answered(token, answer.reasonCodes)
        case .unsubscribed(let token, let answer):
            answered(token, answer.reasonCodes)
        case .closed(let error):
            if channel === control { closed(error) } else { streamClosed(channel, error) }
        }
    }

    /// A message of a stream that has ended meanwhile is answered on the connection, and still its own channel's.
    private func published(_ token: UInt64, _ code: ReasonCode) {
        switch requests.removeValue(forKey: token) {
        case .publish(let continuation): continuation.resume(returning: code)
        case .post(let owner): owner.settled(code)
        case .subscribe, nil: return
        }
    }

    private func answered(_ token: UInt64, _ codes: [ReasonCode]) {
        guard case .subscribe(let continuation, _)? = requests.removeValue(forKey: token) else { return }
        continuation.resume(returning: codes)
    }

    /// What it asked for beyond messages ends with it.
    private func streamClosed(_ channel: ClientChannel, _ error: ClientError?) {
        for (token, request) in requests {
            guard case .subscribe(_, let owner) = request, owner === channel else { continue }
            requests[token] = nil
            request.fail(error ?? .notConnected)
        }
        channel.close(error)
    }

    private func closed(_ error: ClientError?) {
        connecting?.resume(throwing: error ?? .notConnected)
        connecting = nil
        // Messages at QoS 1 and 2 stay in the session, but whoever waits is told now.
        let pending = requests
        requests = pending.filter { if case .post = $0.value { true } else { false } }
        for request in pending.values { request.fail(error ?? .notConnected) }
        control.close(error)
        for channel in streams.values { channel.wakeWriters() }
    }
}
