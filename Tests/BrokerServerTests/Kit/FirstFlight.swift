import Glibc
import Logging
import MQTTCodec
import NIOCore
import NIOPosix
import QUICTransport

/// The first flight of a client that resumes: what somebody on the way could keep, and play to the broker again.
struct FirstFlight: Sendable {
    private let datagrams: [[UInt8]]

    /// Begins a connection that sends packets as early data, and keeps what it sends from the broker.
    init(_ ticket: QUICSessionTicket, packets: [Packet]) async throws {
        let socket = try UDPSocket()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let endpoint = try await loop.flatSubmit {
            QUICEndpoint.client(
                localAddress: try? SocketAddress(ipAddress: "127.0.0.1", port: 0),
                loop: loop,
                logger: Logger(label: "test")
            )
        }.get()
        var bytes = ByteBuffer()
        for packet in packets { bytes.write(packet, version: .v5) }
        let target = try socket.address
        try await loop.submit { [bytes] in
            var configuration = QUICClientConfiguration(verification: .none(serverName: "localhost"))
            configuration.ticket = ticket
            _ = try endpoint.value.connect(to: target, configuration: configuration, delegate: EarlyWriter(bytes))
        }.get()
        var datagrams = [try socket.receive()]
        while let next = try? socket.receive(milliseconds: 20) { datagrams.append(next) }
        self.datagrams = datagrams
        try await loop.flatSubmit { endpoint.value.close() }.get()
    }

    /// Plays it from a port of its own. Whoever is not the first on a loop gets no answer there.
    func play(to broker: SocketAddress) throws {
        let socket = try UDPSocket()
        for datagram in datagrams { socket.send(datagram, to: broker) }
        _ = try? socket.receive(milliseconds: 50)
    }
}

private final class EarlyWriter: QUICConnectionDelegate {
    private let bytes: ByteBuffer

    init(_ bytes: ByteBuffer) { self.bytes = bytes }

    func established(_ connection: QUICConnection) {
        guard connection.isEarly else { return }
        try? connection.openBidirectionalStream().write(bytes)
    }

    func opened(_ stream: QUICStream) {}
    func received(_ bytes: ByteBuffer, on stream: QUICStream, finished: Bool) {}
    func reset(_ stream: QUICStream, code: UInt64) {}
    func stopSending(_ stream: QUICStream, code: UInt64) {}
    func writable(_ stream: QUICStream) {}
    func closedStream(_ stream: QUICStream) {}
    func remoteAddressChanged(_ connection: QUICConnection) {}
    func closed(_ connection: QUICConnection, reason: QUICCloseReason) {}
}

/// A UDP socket on loopback, without any loop.
private final class UDPSocket {
    private let descriptor: CInt

    struct Failure: Error {}

    init() throws {
        descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
        let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        guard any.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) == 0 else { throw Failure() }
    }

    deinit { close(descriptor) }

    var address: SocketAddress {
        get throws {
            var octets = [UInt8](repeating: 0, count: 16)
            var length = socklen_t(octets.count)
            let status = octets.withUnsafeMutableBytes { bytes in
                bytes.withMemoryRebound(to: sockaddr.self) { getsockname(descriptor, $0.baseAddress, &length) }
            }
            guard status == 0 else { throw Failure() }
            // The port lies behind the family, in network order.
            return try SocketAddress(ipAddress: "127.0.0.1", port: Int(octets[2]) << 8 | Int(octets[3]))
        }
    }

    func send(_ datagram: [UInt8], to address: SocketAddress) {
        _ = address.withSockAddr { sendto(descriptor, datagram, datagram.count, 0, $0, socklen_t($1)) }
    }

    func receive(milliseconds: CInt = 10_000) throws -> [UInt8] {
        var wish = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wish, 1, milliseconds) == 1 else { throw Failure() }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { throw Failure() }
        return Array(bytes.prefix(count))
    }
}
