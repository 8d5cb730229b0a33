import CertificateFixture
import Foundation
import NIOCore
import Testing

@testable import QUICTransport

/// What a listener may be told about TLS beyond its certificate.
@Suite struct TLSServerContextTests {
    /// Connections that stand go on, new ones see the new certificate.
    @Test func certificatesAreReplacedUnderWay() async throws {
        let (old, new) = (try CertificatePair(), try CertificatePair())
        try await Scene.run { scene in
            var configuration: QUICServerConfiguration?
            let server = try await scene.listen(configure: {
                $0.certificateChain = old.certificate
                $0.privateKey = old.key
                configuration = $0
            })
            let client = try await scene.client()
            func verified(_ pair: CertificatePair, in scene: isolated Scene) throws -> Recorder {
                try scene.start(
                    client,
                    to: server.localAddress,
                    verification: .full(serverName: "localhost", trustRoots: .pem(pair.certificate))
                ).1
            }
            let (standing, echo) = try await scene.connect(client, to: server.localAddress)
            let stream = try standing.openBidirectionalStream()

            var broken = try #require(configuration)
            broken.privateKey = new.key
            #expect(throws: QUICError.self) { try server.replaceCertificates(broken) }
            let still = try verified(old, in: scene)
            try await scene.until("old certificate") { still.isEstablished }

            broken.certificateChain = new.certificate
            try server.replaceCertificates(broken)
            let fresh = try verified(new, in: scene)
            try await scene.until("new certificate") { fresh.isEstablished }
            let refused = try verified(old, in: scene)
            try await scene.until("refused") { refused.reason != nil }
            stream.write(ByteBuffer(string: "still here"))
            try await scene.until("echo") { echo.text(0) == "still here" }
        }
    }

    @Test func encryptedKeyNeedsItsPassword() async throws {
        let pair = try CertificatePair.shared.get()
        let key = try EncryptedKey.make(from: pair.key, password: "secret")
        try await Scene.run { scene in
            await #expect(throws: QUICError.self) {
                _ = try await scene.listen(configure: {
                    $0.privateKey = key
                    $0.privateKeyPassword = "wrong"
                })
            }
            _ = try await scene.pair(configureServer: {
                $0.privateKey = key
                $0.privateKeyPassword = "secret"
            })
        }
    }

    /// Each cipher alone works, and two sides without a common one do not.
    @Test(arguments: QUICCipher.allCases)
    func ciphersAreChosen(cipher: QUICCipher) async throws {
        let others = QUICCipher.allCases.filter { $0 != cipher }
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.ciphers = [cipher] })
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: server.localAddress)
            try connection.openBidirectionalStream().write(ByteBuffer(string: "sealed"))
            try await scene.until("echo") { recorder.text(0) == "sealed" }
            let (_, refused) = try scene.start(client, to: server.localAddress, configure: { $0.ciphers = others })
            try await scene.until("refused") { refused.reason != nil }
            // handshake_failure
            #expect(refused.reason?.tlsAlert == 40)
        }
    }

    /// CRYPTO_BUFFER_EXCEEDED (RFC 9000 §7.5): GnuTLS alone would gather 128 KiB, and longer messages without end.
    @Test func longHandshakeMessagesEndTheHandshake() async throws {
        let identity = try Self.longIdentity(bytes: 20_000)
        try await Scene.run { scene in
            let server = try await scene.listen(configure: {
                $0.clientAuthorities = identity.certificateChain
                $0.common.maximumHandshakeBytes = 16_384
            })
            let client = try await scene.client()
            let (_, recorder) = try scene.start(client, to: server.localAddress, configure: { $0.identity = identity })
            try await scene.until("closed") { recorder.reason != nil && server.connectionCount == 0 }
            guard case .transport(by: .peer, 0x0d, _)? = recorder.reason else {
                Issue.record("\(String(describing: recorder.reason))")
                return
            }
            #expect(server.counters.handshakesTooLarge == 1)
            #expect(scene.accepted.isEmpty)
        }
    }

    /// The same bound holds clients against servers.
    @Test func longChainOfAServerEndsTheHandshake() async throws {
        let identity = try Self.longIdentity(bytes: 20_000)
        try await Scene.run { scene in
            let server = try await scene.listen(configure: {
                $0.certificateChain = identity.certificateChain
                $0.privateKey = identity.privateKey
            })
            let client = try await scene.client()
            let (_, recorder) = try scene.start(
                client,
                to: server.localAddress,
                configure: { $0.common.maximumHandshakeBytes = 16_384 }
            )
            try await scene.until("closed") { recorder.reason != nil }
            guard case .transport(by: .local, 0x0d, _)? = recorder.reason else {
                Issue.record("\(String(describing: recorder.reason))")
                return
            }
            #expect(client.counters.handshakesTooLarge == 1)
        }
    }

    /// With a certificate of many names.
    private static func longIdentity(bytes: Int) throws -> QUICIdentity {
        let aliases = (0..<bytes / 40).map { "\(String(repeating: "a", count: 30))\($0).example" }
        let pair = try CertificatePair(aliases: aliases)
        return QUICIdentity(certificateChain: pair.certificate, privateKey: pair.key)
    }
}

/// PKCS #8 with a password, as `openssl pkcs8` makes it.
private enum EncryptedKey {
    static func make(from key: [UInt8], password: String) throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory
        let (plain, sealed) = (
            folder.appendingPathComponent("key-\(UUID().uuidString)"),
            folder.appendingPathComponent("sealed-\(UUID().uuidString)")
        )
        defer {
            try? FileManager.default.removeItem(at: plain)
            try? FileManager.default.removeItem(at: sealed)
        }
        try Data(key).write(to: plain)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "pkcs8", "-topk8", "-in", plain.path, "-out", sealed.path, "-passout", "pass:\(password)",
        ]
        try process.run()
        process.waitUntilExit()
        return Array(try Data(contentsOf: sealed))
    }
}
