package import NIOCore
package import QUICTransport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The server's addresses, the local address and the transport of a client's connections.
package struct ConnectionTarget: Sendable {
    /// What MQTT is spoken over.
    package enum Transport: Sendable {
        case tcp
        /// TLS over TCP; the certificate must name the server.
        case tls(serverName: String, TLSClientContext)
        /// MQTT on the control stream; the certificate must name the server.
        case quic(serverName: String, trust: ServerTrust)
    }

    /// Tried one after the other until a server answers.
    package let addresses: [SocketAddress]
    package let transport: Transport
    /// The local address, with port 0; `nil` leaves the choice to the system.
    package let localAddress: SocketAddress?
    /// True gives each QUIC connection a UDP socket of its own, so that it can migrate alone; otherwise connections from one
    /// local address share a socket.
    package let ownsSocket: Bool
    /// Whether QUIC connections go on at an address that the server prefers (RFC 9000 §9.6).
    package let usesPreferredAddress: Bool
    /// The settings of QUIC connections.
    package let quic: QUICConfiguration
    /// The client's certificate and key over QUIC, if the server asks for them; those of TLS are in its context.
    package let identity: QUICIdentity?

    package init(
        addresses: [SocketAddress],
        transport: Transport = .tcp,
        localAddress: SocketAddress? = nil,
        ownsSocket: Bool = false,
        quic: QUICConfiguration = .client,
        usesPreferredAddress: Bool = true,
        identity: QUICIdentity? = nil
    ) {
        self.addresses = addresses.filter { localAddress == nil || $0.protocol == localAddress?.protocol }
        self.transport = transport
        self.localAddress = localAddress
        self.ownsSocket = ownsSocket
        self.quic = quic
        self.usesPreferredAddress = usesPreferredAddress
        self.identity = identity
    }

    /// The addresses of a host, IPv4 loopback first: many brokers listen there and not on `::1`, and over UDP nothing tells
    /// that no server listens.
    ///
    /// Blocks on the system's resolver: not to be called on an event loop.
    package static func resolve(host: String, port: Int) throws(ClientError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, "\(port)", &hints, &list) == 0 else {
            throw .transport(.nameNotResolved(host))
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        for entry in sequence(first: list, next: { $0?.pointee.ai_next }) {
            guard let info = entry?.pointee, let address = info.ai_addr else { continue }
            switch info.ai_family {
            case AF_INET:
                address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                    addresses.append(SocketAddress($0.pointee))
                }
            case AF_INET6:
                address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                    addresses.append(SocketAddress($0.pointee))
                }
            default: break
            }
        }
        guard !addresses.isEmpty else { throw .transport(.nameNotResolved(host)) }
        return addresses.filter(\.isIPv4Loopback) + addresses.filter { !$0.isIPv4Loopback }
    }
}

extension SocketAddress {
    fileprivate var isIPv4Loopback: Bool { self.protocol == .inet && ipAddress?.hasPrefix("127.") == true }
}
