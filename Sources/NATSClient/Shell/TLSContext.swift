import NIOCore
import NIOSSL

/// TLS to NATS servers, made once for all connections of a client, since it parses certificates.
struct TLSContext {
    private let context: NIOSSLContext

    /// - Throws: `UnusableCertificate`
    init(_ trust: ServerTrust, _ identity: ClientIdentity?) throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        do {
            if case .authorities(let pem) = trust {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(pem))
            }
        } catch {
            throw UnusableCertificate(description: "the authorities of the NATS servers are no certificates in PEM")
        }
        do {
            if let identity {
                let chain = try NIOSSLCertificate.fromPEMBytes(identity.certificateChain)
                configuration.certificateChain = chain.map { .certificate($0) }
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: identity.privateKey, format: .pem))
            }
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw UnusableCertificate(
                description: "the certificate for NATS servers and its key are no PEM, or do not belong together"
            )
        }
    }

    func handler(for server: ServerAddress) throws -> NIOSSLClientHandler {
        // An address is not sent (RFC 6066 §3), and is verified all the same.
        let isAddress = (try? SocketAddress(ipAddress: server.host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : server.host)
    }
}

/// Why certificates cannot be used, in words.
package struct UnusableCertificate: Error, Equatable, CustomStringConvertible { package let description: String }
