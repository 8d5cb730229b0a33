import NIOCore
import NIOSSL

/// What the TLS connections of many clients share: made once, since it parses certificates.
package struct TLSClientContext: Sendable {
    private let context: NIOSSLContext

    /// - Throws: ``TransportFailure/security(_:)`` for authorities that are no PEM certificates.
    package init(trust: ServerTrust) throws(ClientError) {
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = .tlsv13
            switch trust {
            case .system: break
            case .authorities(let pem):
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(pem))
            case .insecure: configuration.certificateVerification = .none
            }
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw .transport(.security("the authorities cannot be used: \(error)"))
        }
    }

    /// - Parameter serverName: a host name, or an address, which is not sent (RFC 6066 §3) but verified all the same.
    func handler(serverName: String) throws -> NIOSSLClientHandler {
        let isAddress = (try? SocketAddress(ipAddress: serverName, port: 0)) != nil
        guard !isAddress, context.configuration.certificateVerification != .none else {
            return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : serverName)
        }
        // A certificate for the address that a name led to is none for the name.
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
