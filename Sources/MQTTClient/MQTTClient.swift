import DequeModule
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
    private let link: ClientConnection
    private let messageLimit: Int

    private var connecting: CheckedContinuation<ConnectAcknowledgement, any Error>?
    private var requests: [UInt64: Request] = [:]
    private var nextToken: UInt64 = 1
    /// Publishers that wait until the connection takes more, or for what they posted.
    private var writers: [CheckedContinuation<Void, Never>] = []
    /// Posted messages without their final acknowledgement.
    private var posted = 0
    private var postFailure: ReasonCode?
    private var received = Deque<Publish>()
    private var reader: CheckedContinuation<Void, any Error>?
    private var end: End = .open

    private static let postToken: UInt64 = 0

    private enum Request {
        case publish(CheckedContinuation<ReasonCode, any Error>)
        case subscribe(CheckedContinuation<[ReasonCode], any Error>)

        func fail(_ error: ClientError) {
            switch self {
            case .publish(let continuation): continuation.resume(throwing: error)
            case .subscribe(let continuation): continuation.resume(throwing: error)
            }
        }
    }

    private enum End {
        case open
        case closed(ClientError?)
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
        end = .open
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
    /// - Returns: the server's reason code, which may report a failure.
    /// - Throws: ``ClientError``.
    @discardableResult
    package func publish(_ message: Publish) async throws -> ReasonCode {
        guard message.qos > .atMostOnce else {
            try await post(message)
            return .success
        }
        return try await withCheckedThrowingContinuation { continuation in
            request(.publish(continuation)) { token throws(ClientError) in
                try link.publish(message, token: token, now: .now())
            }
        }
    }

    /// Publishes without waiting for the acknowledgement, but not before there is room for the message: for many in a row.
    ///
    /// - Throws: ``ClientError``.
    package func post(_ message: Publish) async throws {
        let inflight = message.qos > .atMostOnce ? link.session.configuration.maximumInflight : .max
        while case .open = end, !link.isWritable || posted >= inflight {
            await withCheckedContinuation { writers.append($0) }
        }
        if message.qos > .atMostOnce { posted += 1 }
        do {
            try link.publish(message, token: Self.postToken, now: .now())
        } catch {
            if message.qos > .atMostOnce { posted -= 1 }
            throw error
        }
    }

    /// Posts one after the other.
    package func post(contentsOf messages: [Publish]) async throws {
        for message in messages { try await post(message) }
    }

    /// Waits for the acknowledgement of everything that was posted.
    ///
    /// - Returns: a reason code of failure if one of the messages had one, else success.
    /// - Throws: ``ClientError`` when the connection ended before.
    package func settle() async throws -> ReasonCode {
        while case .open = end, posted > 0 {
            await withCheckedContinuation { writers.append($0) }
        }
        if posted > 0, case .closed(let error) = end { throw error ?? .notConnected }
        defer { postFailure = nil }
        return postFailure ?? .success
    }

    /// - Returns: a reason code for each subscription, in order.
    /// - Throws: ``ClientError``.
    @discardableResult
    package func subscribe(
        _ subscriptions: [Subscribe.Subscription],
        identifier: UInt32? = nil
    ) async throws -> [ReasonCode] {
        try await withCheckedThrowingContinuation { continuation in
            request(.subscribe(continuation)) { token throws(ClientError) in
                let packet = Subscribe(
                    packetIdentifier: 0,
                    subscriptions: subscriptions,
                    subscriptionIdentifier: identifier
                )
                try link.subscribe(packet, token: token)
            }
        }
    }

    /// - Returns: a reason code for each filter, in order.
    /// - Throws: ``ClientError``.
    @discardableResult
    package func unsubscribe(_ filters: [String]) async throws -> [ReasonCode] {
        try await withCheckedThrowingContinuation { continuation in
            request(.subscribe(continuation)) { token throws(ClientError) in
                try link.unsubscribe(Unsubscribe(packetIdentifier: 0, topicFilters: filters), token: token)
            }
        }
    }

    /// The next message, or `nil` once this side has disconnected. For one reader at a time.
    ///
    /// - Throws: ``ClientError`` when the connection was lost, after the last message that it brought.
    package func nextMessage() async throws -> Publish? {
        guard try await waitForMessage() else { return nil }
        let message = received.popFirst()
        if received.count <= messageLimit / 2 { link.isReadingPaused = false }
        return message
    }

    /// All messages that have come, at least one, or `nil` once this side has disconnected: for many in a row.
    ///
    /// - Throws: as ``nextMessage()``.
    package func nextMessages() async throws -> [Publish]? {
        guard try await waitForMessage() else { return nil }
        let messages = Array(received)
        received.removeAll(keepingCapacity: true)
        link.isReadingPaused = false
        return messages
    }

    /// - Returns: whether there is one.
    private func waitForMessage() async throws -> Bool {
        while received.isEmpty {
            if case .closed(let error) = end {
                guard let error else { return false }
                throw error
            }
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                    reader?.resume(throwing: CancellationError())
                    reader = continuation
                    if Task.isCancelled { cancelReader() }
                }
            } onCancel: {
                eventLoop.execute { self.assumeIsolated { $0.cancelReader() } }
            }
        }
        return true
    }

    private func cancelReader() {
        reader?.resume(throwing: CancellationError())
        reader = nil
    }

    private func request(_ request: Request, _ send: (UInt64) throws(ClientError) -> Void) {
        let token = nextToken
        nextToken += 1
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
        assumeIsolated { $0.handle(event) }
    }

    package nonisolated func connectionBecameWritable(_ connection: ClientConnection) {
        assumeIsolated { $0.wakeWriters() }
    }

    private func wakeReader() {
        reader?.resume()
        reader = nil
    }

    private func wakeWriters() {
        let waiting = writers
        writers = []
        for writer in waiting { writer.resume() }
    }

    private func handle(_ event: ClientEvent) {
        switch event {
        case .connected(let acknowledgement):
            connecting?.resume(returning: acknowledgement)
            connecting = nil
        case .message(let message):
            deliver(message)
        case .published(Self.postToken, let code):
            settled(code)
        case .abandoned(Self.postToken):
            settled(.unspecifiedError)
        case .published(let token, let code):
            guard case .publish(let continuation)? = requests.removeValue(forKey: token) else { return }
            continuation.resume(returning: code)
        case .abandoned(let token):
            requests.removeValue(forKey: token)?.fail(.sessionLost)
        case .subscribed(let token, let answer):
            answered(token, answer.reasonCodes)
        case .unsubscribed(let token, let answer):
            answered(token, answer.reasonCodes)
        case .closed(let error):
            closed(error)
        }
    }

    private func settled(_ code: ReasonCode) {
        posted -= 1
        if code.isError { postFailure = postFailure ?? code }
        wakeWriters()
    }

    private func answered(_ token: UInt64, _ codes: [ReasonCode]) {
        guard case .subscribe(let continuation)? = requests.removeValue(forKey: token) else { return }
        continuation.resume(returning: codes)
    }

    private func deliver(_ message: Publish) {
        var copy = message
        copy.topic = ByteBuffer(ByteBufferView(message.topic))
        copy.payload = ByteBuffer(ByteBufferView(message.payload))
        received.append(copy)
        if received.count >= messageLimit { link.isReadingPaused = true }
        wakeReader()
    }

    private func closed(_ error: ClientError?) {
        end = .closed(error)
        link.isReadingPaused = false
        connecting?.resume(throwing: error ?? .notConnected)
        connecting = nil
        // Messages at QoS 1 and 2 stay in the session, but whoever waits is told now.
        let pending = requests
        requests = [:]
        for request in pending.values { request.fail(error ?? .notConnected) }
        wakeWriters()
        wakeReader()
    }
}
