import CertificateFixture
import NIOCore
import Testing

@testable import QUICTransport

/// Clients that show a certificate, and those that do not (RFC 8446 §4.3.2, §4.4.2).
@Suite struct QUICPeerCertificateTests {
    private struct Fleet {
        let car = Result { try CertificatePair(name: "car 7") }
        let stranger = Result { try CertificatePair(name: "stranger") }

        static let shared = Fleet()

        static func identity(_ pair: Result<CertificatePair, any Error>) throws -> QUICIdentity {
            let pair = try pair.get()
            return QUICIdentity(certificateChain: pair.certificate, privateKey: pair.key)
        }
    }

    private static func resumption() -> QUICServerResumption {
        QUICServerResumption(keys: TicketKeys(), earlyData: EarlyDataStore(window: .seconds(14_400)))
    }

    @Test func knownCertificateIsTold() async throws {
        let identity = try Fleet.identity(Fleet.shared.car)
        try await Scene.run { scene in
            let pair = try await scene.pair(
                configureServer: { $0.clientAuthorities = identity.certificateChain },
                configureClient: { $0.identity = identity }
            )
            #expect(pair.peerRecorder.certificate == QUICPeerCertificate(subject: "CN=car 7", commonName: "car 7"))
            #expect(pair.peer.peerCertificate == nil, "the session is released")
        }
    }

    /// TLS alert 116, certificate_required, or 42, bad_certificate.
    @Test(arguments: [false, true])
    func missingOrUnknownCertificateIsRefused(isUnknown: Bool) async throws {
        let car = try Fleet.identity(Fleet.shared.car)
        let stranger = try Fleet.identity(Fleet.shared.stranger)
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.clientAuthorities = car.certificateChain })
            let client = try await scene.client()
            let (_, recorder) = try scene.start(client, to: server.localAddress) {
                if isUnknown { $0.identity = stranger }
            }
            try await scene.until("closed") { recorder.reason != nil }
            #expect(recorder.reason?.tlsAlert != nil)
            try await scene.until("server") { server.connectionCount == 0 }
            #expect(scene.accepted.isEmpty)
            #expect(server.counters.handshakesFailed == 1)
        }
    }

    /// The ticket brings the certificate along, and it is verified again before anything is done.
    @Test func resumedConnectionsHaveTheirCertificate() async throws {
        let identity = try Fleet.identity(Fleet.shared.car)
        try await Scene.run { scene in
            let server = try await scene.listen(configure: {
                $0.clientAuthorities = identity.certificateChain
                $0.resumption = Self.resumption()
            })
            let ticket = try await scene.ticket(from: server) { $0.identity = identity }
            let (connection, recorder) = try await scene.resume(ticket, to: server.localAddress, saying: "early") {
                $0.identity = identity
            }
            try await scene.until("echo") { recorder.text(0) == "early" && recorder.confirmedCount == 1 }
            #expect(connection.earlyData == .accepted)
            #expect(server.counters.handshakesResumed == 1)
            #expect(scene.accepted.last?.recorder.certificate?.commonName == "car 7")
        }
    }

    /// An authority that is trusted no more takes its clients' tickets along.
    @Test func resumedCertificatesAreVerifiedAgain() async throws {
        let car = try Fleet.identity(Fleet.shared.car)
        let stranger = try Fleet.identity(Fleet.shared.stranger)
        try await Scene.run { scene in
            var configuration: QUICServerConfiguration?
            let server = try await scene.listen(configure: {
                $0.clientAuthorities = car.certificateChain
                $0.resumption = Self.resumption()
                configuration = $0
            })
            let ticket = try await scene.ticket(from: server) { $0.identity = car }
            var changed = try #require(configuration)
            changed.clientAuthorities = stranger.certificateChain
            try server.replaceCertificates(changed)
            let known = scene.accepted.count
            let (_, recorder) = try await scene.resume(ticket, to: server.localAddress, saying: "early") {
                $0.identity = car
            }
            try await scene.until("closed") { recorder.reason != nil }
            #expect(recorder.reason?.tlsAlert != nil)
            #expect(scene.accepted.count == known, "nothing of it is acted upon")
        }
    }

    /// A ticket from a listener that asks for no certificate is none to one that does: a full handshake shows it.
    @Test(arguments: [false, true])
    func ticketOfAnUnauthenticatedListenerBringsNobodyIn(hasCertificate: Bool) async throws {
        let identity = try Fleet.identity(Fleet.shared.car)
        try await Scene.run { scene in
            let open = try await scene.listen(configure: { $0.resumption = Self.resumption() })
            let closed = try await scene.listen(configure: {
                $0.clientAuthorities = identity.certificateChain
                $0.resumption = Self.resumption()
            })
            let ticket = try await scene.ticket(from: open)
            let known = scene.accepted.count
            let (connection, recorder) = try await scene.resume(ticket, to: closed.localAddress, saying: "let me in") {
                if hasCertificate { $0.identity = identity }
            }
            if hasCertificate {
                try await scene.until("echo") { recorder.text(0) == "let me in" }
                #expect(connection.earlyData == .rejected)
                #expect(scene.accepted.last?.recorder.certificate?.commonName == "car 7")
            } else {
                try await scene.until("closed") { recorder.reason != nil }
                #expect(scene.accepted.count == known)
            }
            #expect(closed.counters.handshakesResumed == 0)
        }
    }

    /// The same mistake by whoever shares keys among listeners: the certificate is missing from the ticket.
    @Test func ticketWithoutCertificateIsRefusedEvenUnderTheSameKey() async throws {
        let identity = try Fleet.identity(Fleet.shared.car)
        try await Scene.run { scene in
            let resumption = Self.resumption()
            let open = try await scene.listen(configure: { $0.resumption = resumption })
            let closed = try await scene.listen(configure: {
                $0.clientAuthorities = identity.certificateChain
                $0.resumption = resumption
            })
            let ticket = try await scene.ticket(from: open)
            let known = scene.accepted.count
            let (_, recorder) = try await scene.resume(ticket, to: closed.localAddress, saying: "let me in")
            try await scene.until("closed") { recorder.reason != nil }
            #expect(scene.accepted.count == known)
        }
    }
}
