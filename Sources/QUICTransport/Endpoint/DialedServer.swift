/// The server that a client has called, wherever the connection has gone on since.
final class DialedServer: Equatable {
    let address: DatagramAddress
    /// The name that it was asked for (SNI).
    let name: String?

    init(address: DatagramAddress, name: String?) {
        self.address = address
        self.name = name
    }

    static func == (left: DialedServer, right: DialedServer) -> Bool {
        left.address == right.address && left.name == right.name
    }
}
