import MQTTBroker
import NIOCore
import NIOSSL
import QUICTransport

extension Peer.Certificate {
    init(_ certificate: QUICPeerCertificate) {
        self.init(subject: certificate.subject, commonName: certificate.commonName)
    }

    /// What a client has shown on a channel whose TLS handshake is complete; `nil` where it has shown nothing.
    init?(_ context: ChannelHandlerContext) {
        guard
            let shown = try? context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self).peerCertificate,
            let certificate = (try? shown.toDERBytes()).flatMap(QUICPeerCertificate.init(der:))
        else { return nil }
        self.init(certificate)
    }
}
