import Glibc
import MQTTBroker
import NIOCore
import NIOSSL
import QUICTransport

extension Peer.Certificate {
    init(_ certificate: QUICPeerCertificate) {
        self.init(subject: certificate.subject, commonName: certificate.commonName)
    }

    /// The certificate that the client has sent in a TLS handshake, which is complete; `nil` if it has sent none.
    init?(_ context: ChannelHandlerContext) {
        guard let shown = context.shownCertificate else { return nil }
        self.init(QUICPeerCertificate(der: (try? shown.toDERBytes()) ?? []))
    }
}

extension ChannelHandlerContext {
    fileprivate var shownCertificate: NIOSSLCertificate? {
        try? pipeline.syncOperations.handler(type: NIOSSLServerHandler.self).peerCertificate
    }

    /// True if the client's certificate has expired. BoringSSL does not check that when a client resumes a session: the
    /// certificate comes from the session then, and is not verified again.
    var hasShownExpiredCertificate: Bool {
        guard let shown = shownCertificate else { return false }
        return shown.notValidAfter < time(nil)
    }
}
