import Glibc
internal import Logging
package import NIOCore
import NIOPosix

/// A UDP socket that SwiftNIO reads and we write.
final class EndpointSocket {
    let socket: DatagramSocket
    let channel: any Channel
    /// A descriptor of our own for the same socket: SwiftNIO closes its own when it sees fit.
    let descriptor: CInt
    private let sharesPort: Bool

    /// Datagrams read by one system call.
    private static let readCount = 64
    /// Room for each: a train of coalesced datagrams (UDP_GRO), of which pages are touched as needed.
    private static let readSize = 64 * 1024

    init(socket: DatagramSocket, channel: any Channel, sharesPort: Bool) {
        self.socket = socket
        self.channel = channel
        self.sharesPort = sharesPort
        self.descriptor = dup(socket.descriptor)
    }

    deinit {
        Glibc.close(self.descriptor)
        if self.sharesPort { SharedPorts.leave(self.socket.address.socketAddress) }
    }

    /// Puts an open socket into SwiftNIO's hands. Nothing is read before `startReading`.
    static func adopt(
        _ socket: DatagramSocket,
        sharesPort: Bool,
        reader: NIOLoopBound<DatagramReader>,
        loop: any EventLoop
    ) -> EventLoopFuture<NIOLoopBound<EndpointSocket>> {
        DatagramBootstrap(group: loop)
            .channelOption(.autoRead, value: false)
            .channelOption(.datagramVectorReadMessageCount, value: Self.readCount)
            .channelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: Self.readCount * Self.readSize)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(reader.value)
                }
            }
            .withBoundSocket(socket.descriptor)
            .map { channel in
                NIOLoopBound(EndpointSocket(socket: socket, channel: channel, sharesPort: sharesPort), eventLoop: loop)
            }
    }

    func startReading() {
        guard let options = self.channel.syncOptions else { return }
        // Each makes SwiftNIO report something; a kernel that cannot is no reason to stop.
        try? options.setOption(.explicitCongestionNotification, value: true)
        try? options.setOption(.receivePacketInfo, value: true)
        if System.supportsUDPReceiveOffload {
            try? options.setOption(.datagramReceiveOffload, value: true)
            try? options.setOption(.datagramReceiveSegmentSize, value: true)
        }
        try? options.setOption(.autoRead, value: true)
    }

    func close() -> EventLoopFuture<Void> {
        self.channel.close()
    }
}

extension QUICEndpoint {
    /// Whether the system has IPv6 at all.
    static let hasIPv6: Bool = {
        let descriptor = Glibc.socket(AF_INET6, CInt(SOCK_DGRAM.rawValue), 0)
        if descriptor >= 0 { Glibc.close(descriptor) }
        return descriptor >= 0
    }()

    func openSocket(on address: SocketAddress) -> EventLoopFuture<NIOLoopBound<EndpointSocket>> {
        do {
            let socket = try DatagramSocket.open(on: address, wishes: self.socketWishes)
            return EndpointSocket.adopt(
                socket,
                sharesPort: self.socketWishes.sharesPort,
                reader: NIOLoopBound(DatagramReader(endpoint: self), eventLoop: self.eventLoop),
                loop: self.eventLoop
            )
        } catch {
            return self.eventLoop.makeFailedFuture(error)
        }
    }

    /// SwiftNIO has closed a socket. If we did not want that, another takes its place.
    func socketClosed(_ channel: any Channel) {
        guard !self.isClosing, channel === self.socket?.channel else { return }
        self.socket = nil
        self.counters.socketsReplaced += 1
        self.logger.warning("UDP socket failed, opening another", metadata: ["address": "\(self.wishedAddress)"])
        self.replaceFailedSocket()
    }

    private func replaceFailedSocket() {
        guard !self.isClosing else { return }
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.openSocket(on: self.reopeningAddress).whenComplete { result in
            switch result {
            case .success(let socket):
                bound.value.take(socket.value, movesConnections: true)
            case .failure(let error):
                let endpoint = bound.value
                endpoint.logger.error("cannot open a UDP socket", metadata: ["error": "\(error)"])
                endpoint.eventLoop.scheduleTask(in: .seconds(1)) { bound.value.replaceFailedSocket() }
            }
        }
    }

    /// Servers stay where their clients look for them.
    private var reopeningAddress: SocketAddress {
        var address = self.wishedAddress
        if self.isServer { address.port = Int(self.canonicalAddress.port) }
        return address
    }

    private func take(_ socket: EndpointSocket, movesConnections: Bool) {
        guard !self.isClosing else {
            socket.channel.close(promise: nil)
            return
        }
        let old = self.socket
        self.socket = socket
        self.blockedUntil = nil
        if movesConnections, !self.isServer {
            self.canonicalAddress = socket.socket.address
            for connection in self.table.connections {
                connection.migrate(to: self.canonicalAddress, now: self.now)
            }
        }
        socket.startReading()
        old?.channel.close(promise: nil)
        self.scheduleFlush()
    }

    /// How connections take a change of the local address.
    package enum Migration: Sendable {
        /// They know, and probe the new path with a new identifier (RFC 9000 §9.2).
        case active
        /// They do not know, as when a NAT rebinds (RFC 9000 §9.3.1).
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
