package import NIOCore

/// Which server is tried next, and after which pause. Each is tried once before there is a pause, which doubles from round to round.
package struct ServerRotation {
    private let servers: [ServerAddress]
    private var next: Int
    /// Servers that were tried since the last success.
    private var failures = 0

    package static let shortest: TimeAmount = .milliseconds(50)
    package static let longest: TimeAmount = .seconds(2)

    /// - Parameter first: the index of the first one; clients begin at different ones.
    package init(_ servers: [ServerAddress], first: Int) {
        self.servers = servers
        next = servers.isEmpty ? 0 : first % servers.count
    }

    /// The next server, and how long to wait before it is tried: half to one and a half of the pause, by chance. `nil` without servers.
    package mutating func take(
        using random: inout some RandomNumberGenerator
    ) -> (server: ServerAddress, pause: TimeAmount)? {
        guard !servers.isEmpty else { return nil }
        let server = servers[next % servers.count]
        next = (next + 1) % servers.count
        defer { failures += 1 }
        guard failures >= servers.count else { return (server, .zero) }
        let rounds = min(failures / servers.count - 1, 16)
        let pause = min(Self.shortest.nanoseconds << rounds, Self.longest.nanoseconds)
        return (server, .nanoseconds(Int64.random(in: (pause / 2)...(pause + pause / 2), using: &random)))
    }

    /// A server accepted the client.
    package mutating func succeeded() { failures = 0 }
}
