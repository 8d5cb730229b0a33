import NIOCore
import NIOSSL
package import QUICTransport

/// The TLS context that the connections of many clients share, since making one parses certificates.
package struct TLSClientContext: Sendable {
    private let context: NIOSSLContext

    /// - Parameter identity: the client's certificate and key, if the server asks for them.
    /// - Throws: ``ClientError/transport(_:)`` with ``TransportFailure/security(_:)`` for authorities that are no PEM certificates, or an identity that is none.
    package init(trust: ServerTrust, identity: QUICIdentity? = nil) throws(ClientError) {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        do {
            switch trust {
            case .system: break
            case .authorities(let pem):
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(pem))
            case .insecure: configuration.certificateVerification = .none
            }
        } catch {
            throw .transport(.security("the authorities cannot be used: \(error)"))
        }
        do {
            if let identity {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(identity.certificateChain).map {
                    .certificate($0)
                }
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: identity.privateKey, format: .pem))
            }
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw .transport(.security("the client's certificate and key cannot be used: \(error)"))
        }
    }

    /// - Parameter serverName: a host name, or an address, which is not sent (RFC 6066 §3) but verified all the same.
    func handler(serverName: String) throws -> NIOSSLClientHandler {
        let isAddress = (try? SocketAddress(ipAddress: serverName, port: 0)) != nil
        guard !isAddress, context.configuration.certificateVerification != .none else {
            return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : serverName)
        }
        // A certificate for the address that the name resolved to is not one for the name.
        return try NIOSSLClientHandler._makeSSLClientHandler(context: context, serverHostname: serverName) {
            certificate,
            channel in
            certificate.names(serverName)
                ? channel.eventLoop.makeSucceededVoidFuture()
                : channel.eventLoop.makeFailedFuture(
                    TransportFailure.security("the certificate is not for \(serverName)")
                )
        }
    }
}

extension NIOSSLCertificate {
    /// Whether it is for a host, by a DNS name of its subject alternative names (RFC 9525 §6.3).
    fileprivate func names(_ host: String) -> Bool {
        let host = (host.hasSuffix(".") ? host.dropLast() : host[...]).lowercased()
        return _subjectAlternativeNames().contains { name in
            guard name.nameType == .dnsName else { return false }
            let text = String(decoding: name.contents, as: UTF8.self).lowercased()
            if text == host { return true }
            // A wildcard is all of the first label.
            guard text.hasPrefix("*."), let dot = host.firstIndex(of: "."), dot > host.startIndex else { return false }
            return host[dot...] == text.dropFirst()
        }
    }
}
