/// The addresses of a client that are reached through other nodes, each with the way of the last authentic datagram from there.
struct RelayedAddresses {
    /// Addresses that are remembered; the one that was silent for longest makes room for the next.
    static let capacity = 8

    private var entries: [(address: DatagramAddress, ingress: RelayIngress)] = []

    var isEmpty: Bool { self.entries.isEmpty }

    /// The way to an address; `nil` for the endpoint's own socket.
    subscript(address: DatagramAddress) -> RelayIngress? {
        // The address in use is mostly the last.
        self.entries.last { $0.address == address }?.ingress
    }

    /// Notes the way of an authentic datagram; `nil` for one that the endpoint's own socket has received.
    mutating func note(_ address: DatagramAddress, _ ingress: RelayIngress?) {
        if let last = self.entries.last, last.address == address, last.ingress == ingress { return }
        self.entries.removeAll { $0.address == address }
        guard let ingress else { return }
        if self.entries.count == Self.capacity { self.entries.removeFirst() }
        self.entries.append((address, ingress))
    }
}
