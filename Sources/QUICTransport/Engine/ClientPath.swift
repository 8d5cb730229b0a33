/// Where a client is, and where its datagrams arrive.
struct ClientPath: Equatable {
    let remote: DatagramAddress
    /// `nil` for the address of this side that the handshake was with.
    let local: DatagramAddress?

    init(_ remote: DatagramAddress, at local: DatagramAddress? = nil) {
        self.remote = remote
        self.local = local
    }
}
