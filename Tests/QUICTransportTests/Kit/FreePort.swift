import Glibc
import NIOCore

@testable import QUICTransport

/// Ports that nobody has, for tests that have to know one before they listen.
enum FreePort {
    static func udp() throws -> Int {
        let any = try SocketAddress(ipAddress: "0.0.0.0", port: 0)
        let socket = try DatagramSocket.open(on: any, wishes: DatagramSocket.Wishes())
        close(socket.descriptor)
        return Int(socket.address.port)
    }
}
