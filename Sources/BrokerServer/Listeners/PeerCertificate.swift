import Glibc
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
        guard let shown = context.shownCertificate,
            let certificate = (try? shown.toDERBytes()).flatMap(QUICPeerCertificate.init(der:))
        else { return nil }
        self.init(certificate)
    }
}

extension ChannelHandlerContext {
    fileprivate var shownCertificate: NIOSSLCertificate? {
        try? pipeline.syncOperations.handler(type: NIOSSLServerHandler.self).peerCertificate
    }

    /// Whether the client has shown a certificate that is not valid any more: who resumes a session is taken for who it was,
    /// and is not verified again.
    var hasShownExpiredCertificate: Bool {
        guard let shown = shownCertificate else { return false }
        return shown.notValidAfter < time(nil)
    }
}
