internal import CDatagrams
import Glibc
internal import NIOCore

/// A bound UDP socket that is no SwiftNIO channel yet.
struct DatagramSocket {
    let descriptor: CInt
    let address: DatagramAddress
    /// Receive buffer granted, bytes.
    let receiveBufferSize: Int

    /// What the socket is to be like.
    struct Wishes {
        var sharesPort = false
        /// Number of the socket among those that share the port.
        var worker = 0
        var socket = QUICSocketConfiguration()
        /// True if the destination address of each datagram is needed: by a server that is bound to a wildcard address.
        var packetInfo = false
    }

    /// - Throws: `QUICError.portInUse` or `.socket`; `.configuration` for an address that is no IP address.
    static func open(on address: SocketAddress, wishes: Wishes) throws -> DatagramSocket {
        guard let wanted = DatagramAddress(address) else {
            throw QUICError.configuration("the address of a socket must be an IP address, not \(address)")
        }
        guard wishes.sharesPort else { return try self.open(wanted, wishes: wishes) }
        return try SharedPorts.join(
            address,
            worker: wishes.worker,
            prove: {
                var alone = wishes
                alone.sharesPort = false
                alone.socket.receiveBufferSize = 0
                alone.socket.sendBufferSize = 0
                close(try self.open(wanted, wishes: alone).descriptor)
            },
            bind: {
                let socket = try self.open(wanted, wishes: wishes)
                return (socket, socket.address.socketAddress)
            }
        )
    }

    private static func open(_ wanted: DatagramAddress, wishes: Wishes) throws(QUICError) -> DatagramSocket {
        var request = datagram_socket_wishes()
        request.shares_port = wishes.sharesPort
        request.wants_packet_info = wishes.packetInfo
        request.receive_buffer = CInt(clamping: wishes.socket.receiveBufferSize)
        request.send_buffer = CInt(clamping: wishes.socket.sendBufferSize)
        var facts = datagram_socket_facts()
        var address = wanted.raw
        let descriptor = unsafe datagram_socket_open(&address, &request, &facts)
        guard descriptor >= 0 else {
            throw descriptor == -EADDRINUSE
                ? .portInUse(wanted.socketAddress)
                : .socket(operation: "bind \(wanted.socketAddress)", errno: -descriptor)
        }
        return DatagramSocket(
            descriptor: descriptor,
            address: DatagramAddress(facts.address),
            receiveBufferSize: Int(facts.receive_buffer)
        )
    }

    /// Makes the kernel distribute datagrams by their identifiers among all sockets that share the port.
    ///
    /// - Parameter workers: of the sockets, in the kernel's order.
    /// - Returns: 0, or -errno.
    static func steer(_ descriptor: CInt, by steering: IdentifierSteering, among workers: [Int]) -> CInt {
        // A short header is one octet and the identifier (RFC 9000 §17.3.1).
        var request = datagram_steering()
        request.keys = steering.mask.keys
        request.masked_offset = UInt8(1 + steering.maskedOffset)
        request.least = UInt8(1 + steering.count)
        request.count = UInt8(clamping: workers.count)
        unsafe withUnsafeMutableBytes(of: &request.places) { places in
            for (place, worker) in workers.enumerated() where places.indices.contains(worker) {
                unsafe places[worker] = UInt8(clamping: place)
            }
        }
        return unsafe datagram_socket_steer(descriptor, &request)
    }
}
