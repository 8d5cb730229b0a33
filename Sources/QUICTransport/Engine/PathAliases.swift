/// The addresses under which ngtcp2 knows a client's addresses.
///
/// Each visit of a client to an address gets an alias, except for the address of the handshake until the client has left
/// it. An alias has an IP address that no other path of the connection has. So each visit is a path of its own for ngtcp2,
/// with a path validation of its own (RFC 9000 §9.3) that cannot be taken for what is left of an earlier visit, and with
/// congestion control and a round trip time of its own (RFC 9000 §9.4). ngtcp2 would keep both where only the port has
/// changed, and would take what a move loses for congestion.
final class PathAliases {
    /// The most aliases that are remembered; the oldest one that is in no use makes room for the next.
    static let capacity = 8

    /// An address with its alias.
    private struct Entry {
        let address: DatagramAddress
        let alias: DatagramAddress
    }

    private var entries: [Entry] = []
    /// The address of the handshake, its own alias.
    private let first: DatagramAddress
    /// The last path that was validated, and the one before, as ngtcp2 knows them.
    private var validated: DatagramAddress
    private var previous: DatagramAddress?
    private var count: UInt32 = 0

    /// - Parameter first: the client's address during the handshake.
    init(first: DatagramAddress) {
        self.first = first
        self.validated = first
    }

    /// The address that ngtcp2 is to be told for one that a datagram came from.
    ///
    /// - Parameter current: the path that ngtcp2 sends on, which keeps its alias.
    func alias(for address: DatagramAddress, current: @autoclosure () -> DatagramAddress) -> DatagramAddress {
        let known = self.entries.last { $0.address == address }?.alias ?? (address == self.first ? address : nil)
        if let known, known != self.previous { return known }
        if self.entries.count == Self.capacity {
            let used = [self.validated, current(), self.previous]
            let oldest = self.entries.firstIndex { entry in !used.contains { $0 == entry.alias } }
            self.entries.remove(at: oldest ?? 0)
        }
        var alias: DatagramAddress
        repeat {
            alias = address.withoutHost(self.count)
            self.count &+= 1
        } while self.hasHostOfFirst(alias)
        self.entries.append(Entry(address: address, alias: alias))
        return alias
    }

    private func hasHostOfFirst(_ alias: DatagramAddress) -> Bool {
        var alias = alias
        alias.port = self.first.port
        return alias == self.first
    }

    /// The address to send to where ngtcp2 names one.
    func address(of alias: DatagramAddress) -> DatagramAddress {
        self.entries.first { $0.alias == alias }?.address ?? alias
    }

    /// The validation of a path, as ngtcp2 knows it, has succeeded.
    func validate(_ alias: DatagramAddress) {
        guard alias != self.validated else { return }
        self.previous = self.validated
        self.validated = alias
    }
}
