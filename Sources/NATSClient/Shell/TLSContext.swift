import NIOCore
import NIOSSL

/// TLS to NATS servers, made once for all connections of a client, since it parses certificates.
struct TLSContext {
    private let context: NIOSSLContext

    init(_ trust: ServerTrust) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if case .authorities(let pem) = trust {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(pem))
        }
        context = try NIOSSLContext(configuration: configuration)
    }

    func handler(for server: ServerAddress) throws -> NIOSSLClientHandler {
        // An address is not sent (RFC 6066 §3), and is verified all the same.
        let isAddress = (try? SocketAddress(ipAddress: server.host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : server.host)
    }
}
