#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The address and port that a listener binds to.
package struct BindAddress: Sendable, Hashable {
    /// An IPv4 or IPv6 address as text, without brackets; `nil` for all interfaces.
    package let host: String?
    /// 0 to 65535; 0 lets the system choose.
    package let port: Int

    package init(host: String?, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Parameter text: `14567`, `:14567`, `0.0.0.0:14567`, `[::]:14567` or, as in EMQX, `:::14567`. Blanks are
    ///   ignored.
    package init?(_ text: String) {
        let text = text.filter { $0 != " " }
        let separator = text.lastIndex(of: ":")
        let portText = separator.map { text[text.index(after: $0)...] } ?? text[...]
        guard let port = Int(portText), (0...65535).contains(port),
            portText.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") })
        else { return nil }
        guard let separator, separator != text.startIndex else {
            self.init(host: nil, port: port)
            return
        }
        var host = String(text[..<separator])
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = String(host.dropFirst().dropLast()) }
        let isIPv6 = isBracketed || host.contains(":")
        guard BindAddress.bytes(of: host, family: isIPv6 ? AF_INET6 : AF_INET) != nil else { return nil }
        self.init(host: host, port: port)
    }

    /// Whether only this machine can reach the address.
    package var isLoopback: Bool {
        guard let host else { return false }
        if let bytes = BindAddress.bytes(of: host, family: AF_INET) { return bytes[0] == 127 }
        guard let bytes = BindAddress.bytes(of: host, family: AF_INET6) else { return false }
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127]
        return bytes == [UInt8](repeating: 0, count: 15) + [1] || bytes.starts(with: mapped)
    }

    private static func bytes(of host: String, family: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: family == AF_INET ? 4 : 16)
        return inet_pton(family, host, &bytes) == 1 ? bytes : nil
    }
}

extension BindAddress {
    /// The addresses and the port that a socket bound here takes, so that no other socket of its protocol can have them.
    package struct Reach: Hashable {
        /// Octets that the addresses of a bind can have in common: none for `::` or no host, which take IPv4 too; 12 for `0.0.0.0`,
        /// which takes all of IPv4; 16 for a single address.
        package static let widths = [0, 12, 16]

        /// What the addresses have in common, in octets of IPv6; IPv4 is mapped into it (RFC 4291 §2.5.5.2).
        package let prefix: [UInt8]
        let port: Int

        /// This reach and all wider ones that contain it.
        package var including: [Reach] {
            Self.widths.filter { $0 <= prefix.count }.map { Reach(prefix: Array(prefix.prefix($0)), port: port) }
        }
    }

    package var reach: Reach {
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
        let any = [UInt8](repeating: 0, count: 16)
        let octets =
            host.flatMap { host in
                BindAddress.bytes(of: host, family: AF_INET).map { mapped + $0 }
                    ?? BindAddress.bytes(of: host, family: AF_INET6)
            } ?? any
        return Reach(prefix: octets == any ? [] : octets == mapped + [0, 0, 0, 0] ? mapped : octets, port: port)
    }
}

extension BindAddress: CustomStringConvertible {
    /// `0.0.0.0:14567`, `[::]:14567`, or the port alone.
    package var description: String {
        guard let host else { return "\(port)" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

extension ValueForm<BindAddress> {
    package static var bind: ValueForm {
        .text(
            "an address and a port such as \"0.0.0.0:1883\" or \"[::]:1883\", or a port from 0 to 65535 for all interfaces",
            read: BindAddress.init,
            write: { $0.host == nil ? "\($0)" : HOCONText.quoted("\($0)") }
        )
    }
}
