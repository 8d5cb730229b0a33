/// The addresses under which ngtcp2 knows a client's paths.
///
/// Each visit of a client to a path gets an alias, except for the path of the handshake until the client has left
/// it. An alias has an IP address that no other path of the connection has. So each visit is a path of its own for ngtcp2,
/// with a path validation of its own (RFC 9000 §9.3) that cannot be taken for what is left of an earlier visit, and with
/// congestion control and a round trip time of its own (RFC 9000 §9.4). ngtcp2 would keep both where only the port has
/// changed, and would take what a move loses for congestion.
///
/// A path to another address of this side, such as the preferred one (RFC 9000 §9.6), has an alias, too, and ngtcp2 is told the
/// same address of this side for all paths. If it knew of the preferred address, it would drop whatever comes to the first one
/// once the client has reached the preferred one, and so the client could not go back from where only the first one is reached.
final class PathAliases {
    /// The most aliases that are remembered; the oldest one that is in no use makes room for the next.
    static let capacity = 8

    /// A path with its alias.
    private struct Entry {
        let path: ClientPath
        let alias: DatagramAddress
    }

    private var entries: [Entry] = []
    /// The client's address in the handshake, its own alias.
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

    /// The address that ngtcp2 is to be told for the path of a datagram.
    ///
    /// - Parameter current: the path that ngtcp2 sends on, which keeps its alias.
    func alias(for path: ClientPath, current: @autoclosure () -> DatagramAddress) -> DatagramAddress {
        let isFirst = path == ClientPath(self.first)
        let known = self.entries.last { $0.path == path }?.alias ?? (isFirst ? self.first : nil)
        if let known, known != self.previous { return known }
        if self.entries.count == Self.capacity {
            let used = [self.validated, current(), self.previous]
            let oldest = self.entries.firstIndex { entry in !used.contains { $0 == entry.alias } }
            self.entries.remove(at: oldest ?? 0)
        }
        var alias: DatagramAddress
        repeat {
            alias = path.remote.withoutHost(self.count)
            self.count &+= 1
        } while self.hasHostOfFirst(alias)
        self.entries.append(Entry(path: path, alias: alias))
        return alias
    }

    private func hasHostOfFirst(_ alias: DatagramAddress) -> Bool {
        var alias = alias
        alias.port = self.first.port
        return alias == self.first
    }

    /// The path to send on where ngtcp2 names an address.
    func path(of alias: DatagramAddress) -> ClientPath {
        self.entries.first { $0.alias == alias }?.path ?? ClientPath(alias)
    }

    /// True for the path that was validated last.
    func isValidated(_ path: ClientPath) -> Bool { self.path(of: self.validated) == path }

    /// The validation of a path, as ngtcp2 knows it, has succeeded.
    func validate(_ alias: DatagramAddress) {
        guard alias != self.validated else { return }
        self.previous = self.validated
        self.validated = alias
    }
}
