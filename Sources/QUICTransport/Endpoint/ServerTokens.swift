/// Tokens of NEW_TOKEN frames, for later connections to the same server (RFC 9000 §8.1.3). Each token is used
/// once, the newest first.
struct ServerTokens {
    /// The most tokens that are kept; the oldest makes room for the next.
    static let limit = 64
    /// Octets of one token; longer ones are not kept.
    static let tokenLimit = 512

    /// The last tokens that were used, as many as are kept.
    private var used: [[UInt8]] = []
    private var entries: [(server: DialedServer, token: [UInt8])] = []

    var count: Int { self.entries.count }

    /// Keeps a token, unless it was kept before: a NEW_TOKEN frame may be sent again.
    mutating func keep(_ token: [UInt8], of server: DialedServer?) {
        guard let server, !token.isEmpty, token.count <= Self.tokenLimit else { return }
        guard !self.used.contains(token), !self.entries.contains(where: { $0.token == token }) else { return }
        if self.entries.count == Self.limit { self.entries.removeFirst() }
        self.entries.append((server, token))
    }

    /// Removes and returns a token for a connection to the server; empty if there is none.
    mutating func take(for server: DialedServer) -> [UInt8] {
        guard let index = self.entries.lastIndex(where: { $0.server == server }) else { return [] }
        let token = self.entries.remove(at: index).token
        if self.used.count == Self.limit { self.used.removeFirst() }
        self.used.append(token)
        return token
    }
}
