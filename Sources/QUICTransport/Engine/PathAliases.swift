/// The ports under which ngtcp2 knows a client's addresses.
///
/// An address that a client returns to, after another one was validated, gets an alias: the same IP address with a port
/// that no path of the connection has. So each visit to an address is a path of its own for ngtcp2, with a path validation
/// of its own (RFC 9000 §9.3), and cannot be taken for what is left of the visit before.
final class PathAliases {
    /// The most aliases that are remembered; the oldest of them makes room for the next.
    static let capacity = 8

    private struct Entry {
        let address: DatagramAddress
        let alias: DatagramAddress
    }

    private var entries: [Entry] = []
    /// The last path that was validated, and the one before, as ngtcp2 knows them.
    private var validated: DatagramAddress
    private var previous: DatagramAddress?

    /// - Parameter validated: the client's address during the handshake, which has no alias.
    init(validated: DatagramAddress) {
        self.validated = validated
    }

    /// The address that ngtcp2 is to be told for one that a datagram came from.
    func alias(for address: DatagramAddress) -> DatagramAddress {
        let known = self.entries.last { $0.address == address }?.alias ?? address
        let isAnothers = known == address && self.entries.contains { $0.alias == address }
        guard known == self.previous || isAnothers else { return known }
        var alias = known
        repeat { alias.port &+= 1 } while self.isInUse(alias)
        if self.entries.count == Self.capacity { self.entries.removeFirst() }
        self.entries.append(Entry(address: address, alias: alias))
        return alias
    }

    private func isInUse(_ alias: DatagramAddress) -> Bool {
        alias == self.validated || alias == self.previous
            || self.entries.contains { $0.alias == alias || $0.address == alias }
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
