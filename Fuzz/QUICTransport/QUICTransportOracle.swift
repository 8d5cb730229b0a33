#if DEBUG || FUZZING
    import NIOCore
    import NIOPosix
    import QUICTransport

    /// Lets octets act on a listening endpoint as a peer, a stranger, the clock and a user would, and holds that nothing
    /// is left of it in the end.
    ///
    /// Octets are a sequence of steps, each a code and what it needs. Packets are not protected, so that payloads become
    /// frames of a live connection. Each input has its way with two endpoints: one whose connections have the system's
    /// memory, which a sanitizer watches, and one that folds theirs whenever they have been silent for a moment.
    package final class QUICTransportOracle: Sendable {
        package static let shared = Result { try QUICTransportOracle() }

        private let loop: any EventLoop
        private let seats: NIOLoopBound<[Seat]>

        private struct Seat {
            let endpoint: NullProtectedEndpoint
            let user: User
        }

        private init() throws {
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            self.loop = loop
            self.seats = try loop.submit {
                let seats = try [nil, Duration.milliseconds(1)].map { delay in
                    let user = User()
                    let endpoint = try NullProtectedEndpoint(loop: loop, foldDelay: delay) { connection in
                        user.connection = connection
                        return user
                    }
                    return Seat(endpoint: endpoint, user: user)
                }
                return NIOLoopBound(seats, eventLoop: loop)
            }.wait()
        }

        package func check(_ octets: [UInt8]) throws {
            try self.loop.submit {
                for seat in self.seats.value {
                    var run = Run(endpoint: seat.endpoint, user: seat.user, octets: octets)
                    try run.perform()
                }
            }.wait()
        }
    }

    package enum QUICTransportFind: Error {
        case handshakeFailed
        case left(String)
        case brokenPromise(String)
    }

    /// One input on its way.
    private struct Run {
        let endpoint: NullProtectedEndpoint
        let user: User
        var octets: ArraySlice<UInt8>

        init(endpoint: NullProtectedEndpoint, user: User, octets: [UInt8]) {
            self.endpoint = endpoint
            self.user = user
            self.octets = octets[...]
        }

        mutating func perform() throws {
            self.user.forget()
            guard let connection = self.endpoint.connect(fromPort: 4_000) else {
                throw QUICTransportFind.handshakeFailed
            }
            while let code = self.octets.popFirst() { self.step(code, connection) }
            if let left = self.endpoint.endAll() { throw QUICTransportFind.left(left) }
            if let broken = self.user.broken { throw QUICTransportFind.brokenPromise(broken) }
            self.user.forget()
        }

        private mutating func step(_ code: UInt8, _ connection: QUICConnection) {
            switch code % 16 {
            case 0...5:
                self.endpoint.receive(
                    self.endpoint.shortPacket(to: connection, frames: self.take(Int(self.next) * 4)),
                    fromPort: 4_000
                )
            case 6:
                self.endpoint.receive(
                    self.endpoint.shortPacket(to: connection, frames: self.take(Int(self.next))),
                    fromPort: 4_000 + UInt16(self.next)
                )
            case 7:
                self.endpoint.receive(self.take(Int(self.next) * 8), fromPort: UInt16(self.next) << 8)
            case 8:
                self.endpoint.advance(milliseconds: UInt64(self.next))
            case 9:
                self.endpoint.advance(milliseconds: UInt64(self.next) * 200)
            case 10:
                let count = Int(self.next) * Int(self.next)
                self.stream?.write(ByteBuffer(repeating: 7, count: count))
            case 11:
                self.stream?.finish()
            case 12:
                self.stream?.reset(code: UInt64(self.next))
            case 13:
                self.stream?.stopSending(code: UInt64(self.next))
            case 14:
                self.stream.map { $0.isReadingPaused.toggle() }
            default:
                let choice = self.next
                if choice == 0 { connection.close(applicationError: 1, reason: "fuzz") }
                if choice == 1 { self.user.answers.toggle() }
                if choice == 2, let stream = try? connection.openBidirectionalStream() {
                    self.user.streams.append(stream)
                }
            }
            self.endpoint.endpoint.flush()
        }

        private var stream: QUICStream? {
            mutating get {
                let index = Int(self.next)
                return self.user.streams.isEmpty ? nil : self.user.streams[index % self.user.streams.count]
            }
        }

        private var next: UInt8 { mutating get { self.octets.popFirst() ?? 0 } }

        private mutating func take(_ count: Int) -> [UInt8] {
            defer { self.octets = self.octets.dropFirst(count) }
            return Array(self.octets.prefix(count))
        }
    }

    /// A user who holds the endpoint to what it promises.
    private final class User: QUICConnectionDelegate {
        var connection: QUICConnection?
        var streams: [QUICStream] = []
        /// Sends back what it receives.
        var answers = true
        private var finished: Set<Int64> = []
        private var isClosed = false
        private(set) var broken: String?

        func forget() {
            self.connection = nil
            self.streams = []
            self.answers = true
            self.finished = []
            self.isClosed = false
            self.broken = nil
        }

        private func hold(_ condition: Bool, _ promise: String) {
            if !condition { self.broken = promise }
        }

        func established(_ connection: QUICConnection) { self.isClosed = false }

        func opened(_ stream: QUICStream) {
            self.hold(!self.streams.contains { $0.id == stream.id && !$0.isClosed }, "a stream opens once")
            self.hold(!self.isClosed, "nothing comes after closed")
            self.streams.append(stream)
        }

        func received(_ bytes: ByteBuffer, on stream: QUICStream, finished: Bool) {
            self.hold(!self.finished.contains(stream.id), "nothing comes after the end of a stream")
            self.hold(!stream.isClosed, "nothing comes for a closed stream")
            self.hold(!self.isClosed, "nothing comes after closed")
            if finished { self.finished.insert(stream.id) }
            if self.answers { stream.write(bytes) }
        }

        func reset(_ stream: QUICStream, code: UInt64) { self.hold(!self.isClosed, "nothing comes after closed") }
        func stopSending(_ stream: QUICStream, code: UInt64) { self.hold(!self.isClosed, "nothing comes after closed") }
        func writable(_ stream: QUICStream) { self.hold(!self.isClosed, "nothing comes after closed") }

        func closedStream(_ stream: QUICStream) {
            self.hold(stream.isClosed, "a stream is closed when that is told")
            self.hold(stream.pendingBytes == 0, "a closed stream has nothing pending")
        }

        func remoteAddressChanged(_ connection: QUICConnection) {
            self.hold(!self.isClosed, "nothing comes after closed")
        }

        func closed(_ connection: QUICConnection, reason: QUICCloseReason) {
            self.hold(!self.isClosed, "closed comes once")
            self.isClosed = true
        }
    }
#endif
