internal import CDatagrams
import Glibc
internal import Logging
package import NIOCore
import NIOPosix

/// A UDP socket that SwiftNIO reads and the endpoint writes.
final class EndpointSocket {
    let socket: DatagramSocket
    /// `nil` for a socket that is only written.
    let channel: (any Channel)?
    /// A duplicate of the descriptor, for writing: SwiftNIO may close its own at any time.
    let descriptor: CInt
    private let wishes: DatagramSocket.Wishes

    /// Room for one message: the longest datagram, or a train of joined ones. Pages are touched as needed.
    private static let readSize = 64 * 1024

    init(socket: DatagramSocket, channel: (any Channel)?, wishes: DatagramSocket.Wishes) {
        self.socket = socket
        self.channel = channel
        self.wishes = wishes
        self.descriptor = fcntl(socket.descriptor, F_DUPFD_CLOEXEC, 0)
    }

    deinit {
        Glibc.close(self.descriptor)
        if self.wishes.sharesPort {
            SharedPorts.leave(self.socket.address.socketAddress, worker: self.wishes.worker)
        }
    }

    /// Makes a SwiftNIO channel of an open socket. Nothing is read before `startReading`.
    static func adopt(
        _ socket: DatagramSocket,
        wishes: DatagramSocket.Wishes,
        reader: NIOLoopBound<some ChannelInboundHandler>,
        loop: any EventLoop
    ) -> EventLoopFuture<NIOLoopBound<EndpointSocket>> {
        DatagramBootstrap(group: loop)
            .channelOption(.autoRead, value: false)
            .channelOption(.datagramVectorReadMessageCount, value: wishes.socket.messagesPerCall)
            .channelOption(.maxMessagesPerRead, value: UInt(Self.usualCalls))
            .channelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: wishes.socket.messagesPerCall * Self.readSize)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(reader.value)
                }
            }
            .withBoundSocket(socket.descriptor)
            .map { channel in
                NIOLoopBound(EndpointSocket(socket: socket, channel: channel, wishes: wishes), eventLoop: loop)
            }
    }

    func startReading() {
        guard let options = self.channel?.syncOptions else { return }
        // Each option makes SwiftNIO report one more fact of a datagram. A kernel that lacks one is accepted.
        try? options.setOption(.explicitCongestionNotification, value: true)
        try? options.setOption(.receivePacketInfo, value: true)
        if self.wishes.socket.offloadsReceiving, System.supportsUDPReceiveOffload {
            try? options.setOption(.datagramReceiveOffload, value: true)
            try? options.setOption(.datagramReceiveSegmentSize, value: true)
        }
        try? options.setOption(.autoRead, value: true)
    }

    /// Calls that one wake-up of the socket makes at most. The first mostly takes all that is there, and a second one would
    /// find nothing. A socket that was not read empty is read by more calls, so that what waits, waits with its endpoint,
    /// where packets of known connections are told from new clients.
    private static let usualCalls = 1
    private static let callsBehind = 16

    private var calls = EndpointSocket.usualCalls

    /// Messages that one wake-up of the socket reads at most.
    var messagesPerRead: Int { self.calls * self.wishes.socket.messagesPerCall }

    /// Reads more or less at the next wake-up, after one that read the socket empty or did not.
    func adjust(isEmpty: Bool) {
        let calls = isEmpty ? Self.usualCalls : Self.callsBehind
        guard calls != self.calls else { return }
        self.calls = calls
        try? self.channel?.syncOptions?.setOption(.maxMessagesPerRead, value: UInt(calls))
    }

    func close() {
        self.channel?.close(promise: nil)
    }

    /// Whether there is something to read.
    var isReadable: Bool {
        var request = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&request, 1, 0) > 0
    }

    /// Datagrams that the kernel has dropped because the receive buffer was full.
    var drops: Int { Int(datagram_socket_drops(self.descriptor)) }
}

extension QUICEndpoint {
    /// True if the system can open IPv6 sockets.
    package static let hasIPv6: Bool = {
        let descriptor = Glibc.socket(AF_INET6, CInt(SOCK_DGRAM.rawValue), 0)
        if descriptor >= 0 { Glibc.close(descriptor) }
        return descriptor >= 0
    }()

    func openSocket(on address: SocketAddress) -> EventLoopFuture<NIOLoopBound<EndpointSocket>> {
        do {
            let socket = try DatagramSocket.open(on: address, wishes: self.socketWishes)
            return EndpointSocket.adopt(
                socket,
                wishes: self.socketWishes,
                reader: NIOLoopBound(DatagramReader(endpoint: self), eventLoop: self.eventLoop),
                loop: self.eventLoop
            )
        } catch {
            return self.eventLoop.makeFailedFuture(error)
        }
    }

    /// Takes note that SwiftNIO has closed a channel. If the endpoint did not ask for that, it opens another socket.
    func socketClosed(_ channel: any Channel) {
        guard !self.isClosed, channel === self.socket?.channel else { return }
        self.dropsOfFormerSockets += self.socket?.drops ?? 0
        self.socket = nil
        self.egress.unblock()
        // SwiftNIO fires no `channelReadComplete` for the last read burst of a socket that it closes.
        self.finishBurst()
        self.replaceSocket(because: "closed")
    }

    /// Takes note that the kernel refused to send, as it does when the local address no longer exists. A server waits
    /// for the address to come back, since its clients know no other; a client opens another socket.
    func doubtSocket(errno: CInt) {
        guard !self.isClosed, !self.isServer, !self.isReplacingSocket, self.nextReplacement <= .now(),
            var address = self.socket?.socket.address
        else { return }
        self.nextReplacement = .now() + .seconds(1)
        address.port = 0
        if let probe = try? DatagramSocket.open(on: address.socketAddress, wishes: DatagramSocket.Wishes()) {
            Glibc.close(probe.descriptor)
            return
        }
        self.nextReplacement = .now()
        self.replaceSocket(because: unsafe String(cString: strerror(errno)))
    }

    private func replaceSocket(because reason: String) {
        guard !self.isReplacingSocket else { return }
        self.isReplacingSocket = true
        self.logger.warning(
            "UDP socket failed, opening another",
            metadata: ["address": "\(self.wishedAddress)", "reason": "\(reason)"]
        )
        // A socket that fails again at once must not keep the loop busy.
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        let wait = self.nextReplacement - .now()
        self.nextReplacement = .now() + max(wait, .zero) + .seconds(1)
        if wait > .zero {
            self.eventLoop.scheduleTask(in: wait) { bound.value.openReplacement() }
        } else {
            self.openReplacement()
        }
    }

    private func openReplacement() {
        guard !self.isClosed else { return }
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.openSocket(on: self.replacementAddress)
            .flatMapError { _ in bound.value.openOnAnyAddress() }
            .whenComplete { result in
                let endpoint = bound.value
                switch result {
                case .success(let socket):
                    endpoint.isReplacingSocket = false
                    endpoint.counters.socketsReplaced += 1
                    endpoint.take(socket.value, movesConnections: true)
                case .failure(let error):
                    endpoint.logger.error(
                        "UDP socket cannot be opened, trying again in a second",
                        metadata: ["address": "\(endpoint.wishedAddress)", "error": "\(error)"]
                    )
                    endpoint.eventLoop.scheduleTask(in: .seconds(1)) { bound.value.openReplacement() }
                }
            }
    }

    /// Where the new socket is bound: a server keeps its port.
    private var replacementAddress: SocketAddress {
        var address = self.wishedAddress
        if self.isServer { address.port = Int(self.canonicalAddress.port) }
        return address
    }

    /// Opens a client's socket on any address, when its own no longer exists.
    private func openOnAnyAddress() -> EventLoopFuture<NIOLoopBound<EndpointSocket>> {
        guard !self.isServer else { return self.eventLoop.makeFailedFuture(QUICError.closed) }
        do {
            let any = self.canonicalAddress.isIPv6 ? "::" : "0.0.0.0"
            return self.openSocket(on: try SocketAddress(ipAddress: any, port: 0))
        } catch {
            return self.eventLoop.makeFailedFuture(error)
        }
    }

    private func take(_ socket: EndpointSocket, movesConnections: Bool) {
        guard !self.isClosed else {
            socket.close()
            return
        }
        let old = self.socket
        self.dropsOfFormerSockets += old?.drops ?? 0
        self.use(socket)
        self.egress.unblock()
        if movesConnections, !self.isServer {
            self.canonicalAddress = socket.socket.address
            for connection in self.table.connections {
                connection.migrate(to: self.canonicalAddress, now: self.now)
            }
        }
        socket.startReading()
        old?.close()
        self.steer()
        self.scheduleFlush()
    }

    /// How a client's connections learn of another local address.
    package enum Migration: Sendable {
        /// The connections probe the new path with a new identifier (RFC 9000 §9.2).
        case active
        /// The connections are not told, as when a NAT rebinds (RFC 9000 §9.3.1).
        case unnoticed
    }

    /// Moves all connections of a client endpoint to another socket.
    ///
    /// - Parameter address: where to bind; port 0 for any.
    package func rebind(to address: SocketAddress, migration: Migration) -> EventLoopFuture<Void> {
        self.eventLoop.preconditionInEventLoop()
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        return self.openSocket(on: address).map { socket in
            bound.value.take(socket.value, movesConnections: migration == .active)
        }
    }
}
