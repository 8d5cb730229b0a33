/// Where a NATS server listens for clients.
package struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: Int

    package static let defaultPort = 4_222

    package init(host: String, port: Int = ServerAddress.defaultPort) {
        self.host = host
        self.port = port
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
