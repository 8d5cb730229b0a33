package import NIOCore

extension SocketAddress {
    /// Address and port as configuration and commands write them: `192.0.2.1:1883`, `[2001:db8::1]:1883`. The IPv4 address
    /// of a client of an IPv6 socket (`::ffff:192.0.2.1`) is an IPv4 address.
    package var hostAndPort: String {
        var host = ipAddress ?? "?"
        if host.hasPrefix("::ffff:"), host.contains(".") { host.removeFirst("::ffff:".count) }
        return "\(host.contains(":") ? "[\(host)]" : host):\(port ?? 0)"
    }
}
