import Glibc

/// The sending end of the relay's socket, which all loops use: a duplicate of its descriptor.
final class RelayOutlet: Sendable {
    let descriptor: CInt
    let isIPv6: Bool

    /// - Returns: `nil` if no descriptor is left.
    init?(_ socket: EndpointSocket) {
        self.descriptor = fcntl(socket.descriptor, F_DUPFD_CLOEXEC, 0)
        self.isIPv6 = socket.socket.address.isIPv6
        guard self.descriptor >= 0 else { return nil }
    }

    deinit { if self.descriptor >= 0 { close(self.descriptor) } }
}
