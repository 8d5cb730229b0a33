import CertificateFixture
import Foundation
import NATSClient
import NATSFixture
import NIOCore
import Testing

/// The client and one real nats-server.
@Suite(.serialized) struct NATSClientServerTests {
    private func subject(_ text: String) throws -> Subject { try #require(Subject(text)) }

    @Test("Messages of 0 to 1 MB and headers reach a subscriber as they were sent, in order") func messages()
        async throws
    {
        try await NATSCluster.with(servers: 1) { cluster in
            let one = try await TestClient(cluster.ports)
            let other = try await TestClient(cluster.ports)
            try await one.wait(for: "ready")
            try await other.wait(for: "ready")
            let subject = try subject("node.1")
            let received = try await other.now { client in
                let box = NIOLoopBoundBox.makeBoxSendingValue([Publication](), eventLoop: client.eventLoop)
                _ = client.subscribe(subject) { box.value.append($0) }
                return box
            }
            // A request behind SUBSCRIBE is answered once the server has both.
            let unheard = try await other.call {
                $0.request(Publication(to: subject, payload: ByteBuffer(string: "self")))
            }
            #expect(unheard == .timedOut, "it is heard by the subscriber itself, which does not answer")
            let sizes = [0, 1, 4_095, 4_096, 100_000, 1_000_000]
            try await one.now { client in
                for size in sizes {
                    let payload = ByteBuffer(repeating: UInt8(size % 251), count: size)
                    try client.publish(
                        Publication(to: subject, headers: HeaderBlock([("Size", "\(size)")]), payload: payload)
                    )
                }
            }
            try await poll("all messages") { try await other.now { _ in received.value.count } == sizes.count + 1 }
            let messages = try await other.now { _ in received.value.dropFirst() }
            for (size, message) in zip(sizes, messages) {
                #expect(message.headers?.value(of: "Size") == "\(size)")
                #expect(message.payload == ByteBuffer(repeating: UInt8(size % 251), count: size))
            }
            let nobody = try await one.call { $0.request(Publication(to: try self.subject("nobody.here"))) }
            #expect(nobody == .noResponders)
            try await one.stop()
            try await other.stop()
        }
    }

    @Test("The right password is accepted, and a wrong one is refused with the server's words") func passwords()
        async throws
    {
        try await NATSCluster.with(servers: 1, settings: ["authorization { user: martlet, password: right }"]) {
            cluster in
            let right = try await TestClient(cluster.ports) {
                $0.connection.credentials = .password(user: "martlet", password: "right")
            }
            try await right.wait(for: "ready nats-0")
            try await right.stop()
            let wrong = try await TestClient(cluster.ports) {
                $0.connection.credentials = .password(user: "martlet", password: "wrong-3f9")
            }
            try await wrong.wait(for: "disconnected: the NATS server refuses: Authorization Violation")
            #expect(try await !wrong.log.lines().joined().contains("wrong-3f9"))
            try await wrong.stop()
        }
    }

    @Test("TLS is used if the certificate is trusted, and ends the connection if not") func tls() async throws {
        let pair = try CertificatePair()
        let settings = ["tls { cert_file: \"FOLDER/cert.pem\", key_file: \"FOLDER/key.pem\" }"]
        let files = ["cert.pem": pair.certificate, "key.pem": pair.key]
        try await NATSCluster.with(servers: 1, settings: settings, files: files) { cluster in
            let trusting = try await TestClient(cluster.ports) {
                $0.connection.requiresTLS = true
                $0.trust = .authorities(pem: pair.certificate)
            }
            try await trusting.wait(for: "ready nats-0")
            let nobody = try await trusting.call { $0.request(Publication(to: try self.subject("nobody.here"))) }
            #expect(nobody == .noResponders)
            try await trusting.stop()
            let other = try CertificatePair()
            let doubting = try await TestClient(cluster.ports) {
                $0.connection.requiresTLS = true
                $0.trust = .authorities(pem: other.certificate)
            }
            try await doubting.wait(for: "disconnected: the NATS server's certificate is not trusted: its issuer")
            try await doubting.stop()
            let plain = try await TestClient(cluster.ports)
            try await plain.wait(for: "disconnected: the NATS server requires TLS")
            try await plain.stop()
        }
    }

    @Test("A server that asks for certificates takes those of its authority only") func mutualTLS() async throws {
        let (server, client, stranger) = (try CertificatePair(), try CertificatePair(), try CertificatePair())
        let settings = [
            "tls { cert_file: \"FOLDER/cert.pem\", key_file: \"FOLDER/key.pem\", ca_file: \"FOLDER/ca.pem\", verify: true }"
        ]
        let files = ["cert.pem": server.certificate, "key.pem": server.key, "ca.pem": client.certificate]
        try await NATSCluster.with(servers: 1, settings: settings, files: files) { cluster in
            for (pair, expected) in [
                (client, "ready nats-0"), (stranger, "disconnected: the NATS server refuses TLS with this node: "),
                (nil, "disconnected: the NATS server refuses TLS with this node: "),
            ] {
                let client = try await TestClient(cluster.ports) {
                    $0.connection.requiresTLS = true
                    $0.trust = .authorities(pem: server.certificate)
                    $0.identity = pair.map { ClientIdentity(certificateChain: $0.certificate, privateKey: $0.key) }
                }
                try await client.wait(for: expected)
                try await client.stop()
            }
        }
    }

    @Test("A user with a key is known by its signature, and another one is refused") func keys() async throws {
        let (known, other) = (NKeyPair(.user), NKeyPair(.user))
        try await NATSCluster.with(servers: 1, settings: ["authorization { users [ { nkey: \(known.publicText) } ] }"])
        {
            cluster in
            for (pair, expected) in [
                (known, "ready nats-0"), (other, "disconnected: the NATS server refuses: Authorization Violation"),
            ] {
                let key = try #require(UserKey(seed: pair.seed))
                let client = try await TestClient(cluster.ports) { $0.connection.credentials = .key(key) }
                try await client.wait(for: expected)
                try await client.stop()
            }
        }
    }

    @Test("A user of an account is known by the JWT of a credentials file, and another operator's is refused")
    func accounts()
        async throws
    {
        let (trusted, other) = (try NKeyOperator(), try NKeyOperator())
        try await NATSCluster.with(servers: 1, settings: trusted.lines) { cluster in
            for (user, expected) in [
                (trusted, "ready nats-0"), (other, "disconnected: the NATS server refuses: Authorization Violation"),
            ] {
                let file = try #require(CredentialsFile(user.credentials))
                let client = try await TestClient(cluster.ports) { $0.connection.credentials = file.credentials }
                try await client.wait(for: expected)
                try await client.stop()
            }
        }
    }

    @Test("A client connects when its server begins, and again when it comes back") func comesBack() async throws {
        try await NATSCluster.with(servers: 1) { cluster in
            let client = try await TestClient(cluster.ports)
            try await client.wait(for: "ready")
            let subject = try subject("a")
            let count = try await client.now { client in
                let box = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: client.eventLoop)
                _ = client.subscribe(subject) { _ in box.value += 1 }
                return box
            }
            await cluster.kill(0)
            try await client.wait(for: "Connection refused")
            await #expect(throws: SendFailure.notConnected) {
                try await client.now { try $0.publish(Publication(to: subject)) }
            }
            try cluster.start(0)
            try await client.wait(for: "ready", times: 2)
            try await client.now { try $0.publish(Publication(to: subject)) }
            try await poll("the message of the subscription that was made again") {
                try await client.now { _ in count.value } == 1
            }
            try await client.stop()
        }
    }
}
