import Glibc
import MQTTCodec
import NIOCore
import NIOPosix

/// A TCP connection without a client: sends octets and collects what comes back until the server closes.
enum RawConnection {
    static func exchange(_ octets: [UInt8], with address: SocketAddress) async throws -> [UInt8] {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(to: address) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            if !octets.isEmpty { try await outbound.write(ByteBuffer(bytes: octets)) }
            var received: [UInt8] = []
            for try await bytes in inbound { received += bytes.readableBytesView }
            return received
        }
    }
}

extension RawConnection {
    /// Sends octets and is gone, without having read anything.
    static func post(_ octets: [UInt8], to address: SocketAddress) throws {
        let descriptor = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { _ = Glibc.close(descriptor) }
        guard descriptor >= 0, address.withSockAddr({ Glibc.connect(descriptor, $0, socklen_t($1)) }) == 0,
            Glibc.write(descriptor, octets, octets.count) == octets.count
        else { throw StuckReader.Failure() }
    }
}

/// A subscriber that never reads.
struct StuckReader {
    private let socket: CInt

    static func connect(to address: SocketAddress, filter: String) throws -> StuckReader {
        let descriptor = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        let connected = address.withSockAddr { Glibc.connect(descriptor, $0, socklen_t($1)) }
        guard descriptor >= 0, connected == 0 else { throw Failure() }
        var bytes = ByteBuffer()
        bytes.write(.connect(Connect(version: .v3_1_1, clientIdentifier: "stuck", keepAlive: 0)), version: .v3_1_1)
        bytes.write(
            .subscribe(Subscribe(packetIdentifier: 1, subscriptions: [.init(topicFilter: filter)])),
            version: .v3_1_1
        )
        let sent = bytes.withUnsafeReadableBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard sent == bytes.readableBytes else { throw Failure() }
        return StuckReader(socket: descriptor)
    }

    func close() { _ = Glibc.close(socket) }

    struct Failure: Error {}
}
