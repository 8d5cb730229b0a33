import Foundation
import MQTTBroker
import MQTTClient
import MQTTCodec
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import QUICTransport
import Testing

@testable import BrokerServer

/// Certificates of the broker, which change while it runs, and of its clients.
@Suite(.timeLimit(.minutes(2))) struct CertificateTests {
    /// A folder with a pair that the broker is started with.
    private struct Folder: ~Copyable {
        let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))"

        var files: CertificateFiles { CertificateFiles(chain: path + "/cert.pem", key: path + "/key.pem") }

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ pair: CertificatePair) throws {
            try Data(pair.certificateChain).write(to: URL(fileURLWithPath: path + "/cert.pem"))
            try Data(pair.privateKey).write(to: URL(fileURLWithPath: path + "/key.pem"))
        }
    }

    private static func connects(
        _ broker: RunningBroker,
        over transport: RunningBroker.Transport,
        trusting pair: CertificatePair
    ) async -> Bool {
        guard let client = try? broker.client("c", over: transport, trusting: pair.certificateChain) else {
            return false
        }
        let isConnected = (try? await client.connect()) != nil
        await client.disconnect()
        return isConnected
    }

    @Test(
        "A pair that changes is shown to new connections, a broken one is not, and who is connected stays",
        arguments: [RunningBroker.Transport.tls, .quic]
    )
    func reload(over transport: RunningBroker.Transport) async throws {
        let folder = try Folder()
        let (old, new) = (try CertificatePair.selfSigned(), try CertificatePair.selfSigned())
        try folder.write(old)
        let (files, path) = (folder.files, folder.path)
        try await RunningBroker.run(
            configure: { configuration in
                configuration.certificateInterval = .milliseconds(20)
                for index in configuration.listeners.indices {
                    switch configuration.listeners[index].transport {
                    case .tcp: continue
                    case .tls:
                        guard let loaded = try? files.load(needsClientCertificate: false) else { continue }
                        configuration.listeners[index].transport = .tls(loaded)
                    case .quic(let quic):
                        guard let loaded = try? files.load(into: quic) else { continue }
                        configuration.listeners[index].transport = .quic(loaded)
                    }
                    configuration.listeners[index].certificateFiles = files
                }
            }
        ) { broker, _ in
            let standing = try broker.client("standing", over: transport, trusting: old.certificateChain)
            _ = try await standing.connect()
            #expect(await Self.connects(broker, over: transport, trusting: old))

            try Data("no PEM".utf8).write(to: URL(fileURLWithPath: path + "/cert.pem"))
            try await Task.sleep(for: .milliseconds(200))
            #expect(await Self.connects(broker, over: transport, trusting: old), "the one before stays")

            try Data(new.privateKey).write(to: URL(fileURLWithPath: path + "/key.pem"))
            try Data(new.certificateChain).write(to: URL(fileURLWithPath: path + "/cert.pem"))
            while await !Self.connects(broker, over: transport, trusting: new) {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(await !Self.connects(broker, over: transport, trusting: old))

            try await standing.subscribe("t")
            try await standing.publish(Publish("t", "still here", qos: .atLeastOnce))
            #expect(try await standing.nextPayload() == "still here")
            await standing.disconnect()
        }
        _ = consume folder
    }

    @Test("Files that are no certificate are named") func errors() throws {
        let folder = try Folder()
        let pair = try CertificatePair.selfSigned()
        let empty = QUICServerConfiguration(
            certificateChain: [],
            privateKey: [],
            staticSecret: Array(repeating: 0, count: 32)
        )
        func messages(_ files: CertificateFiles) -> [String] {
            [{ _ = try files.load(into: empty) }, { _ = try files.load(needsClientCertificate: false) }].map { load in
                do {
                    try load()
                    return ""
                } catch { return "\(error)" }
            }
        }
        func says(_ text: String, _ files: CertificateFiles) -> Bool {
            messages(files).allSatisfy { $0.contains(text) }
        }
        #expect(says("cannot read \(folder.path)/cert.pem", folder.files))
        try folder.write(pair)
        #expect(messages(folder.files) == ["", ""])
        try Data("no PEM".utf8).write(to: URL(fileURLWithPath: folder.path + "/ca.pem"))
        let authorities = CertificateFiles(
            chain: folder.path + "/cert.pem",
            key: folder.path + "/key.pem",
            authorities: folder.path + "/ca.pem"
        )
        #expect(says("\(folder.path)/ca.pem holds no certificate authorities", authorities))
        try Data(CertificatePair.selfSigned().privateKey).write(to: URL(fileURLWithPath: folder.path + "/key.pem"))
        #expect(says("fit each other", folder.files))
        #expect(throws: CertificateFileError.self) {
            try CertificateFiles.check(authorities: folder.path + "/ca.pem")
        }
        try CertificateFiles.check(authorities: folder.path + "/cert.pem")
    }

    @Test(
        "The subject of a client's certificate is its user name and identifier, also when it comes again",
        arguments: [RunningBroker.Transport.tls, .quic]
    )
    func subject(over transport: RunningBroker.Transport) async throws {
        let pair = try CertificatePair.selfSigned()
        let name = "Martlet on \(ProcessInfo.processInfo.hostName)"
        let seen = NIOLockedValueBox<[Credentials]>([])
        try await RunningBroker.run(
            configure: { configuration in
                configuration.resume()
                configuration.limits.certificateAsUserName = .commonName
                configuration.limits.certificateAsClientIdentifier = .subject
                configuration.authentication = .immediate { credentials in
                    seen.withLockedValue { $0.append(credentials) }
                    return .allowed
                }
                for index in configuration.listeners.indices {
                    switch configuration.listeners[index].transport {
                    case .tcp: continue
                    case .tls(var tls):
                        tls.clientAuthorities = pair.certificateChain
                        tls.needsClientCertificate = true
                        configuration.listeners[index].transport = .tls(tls)
                    case .quic(var quic):
                        quic.clientAuthorities = pair.certificateChain
                        configuration.listeners[index].transport = .quic(quic)
                    }
                }
            }
        ) { broker, _ in
            let identity = QUICIdentity(certificateChain: pair.certificateChain, privateKey: pair.privateKey)
            let client = try broker.client("me", over: transport, identity: identity)
            for earlyData in [QUICEarlyData.none, transport == .quic ? .accepted : .none] {
                _ = try await client.connect()
                #expect(await client.earlyData == earlyData)
                if transport == .quic { try await client.waitForTicket() }
                await client.disconnect()
            }
            #expect(!(await Self.connects(broker, over: transport, trusting: try RunningBroker.certificate.get())))
        }
        let credentials = seen.withLockedValue { $0 }
        #expect(credentials.map(\.userName) == [name, name])
        #expect(credentials.map(\.clientIdentifier) == ["CN=\(name)", "CN=\(name)"])
    }

    @Test("Who shows no certificate where none is needed is who it says it is") func noCertificate() async throws {
        let pair = try RunningBroker.certificate.get()
        let seen = NIOLockedValueBox<[Credentials]>([])
        try await RunningBroker.run(
            configure: { configuration in
                configuration.limits.certificateAsUserName = .commonName
                configuration.authentication = .immediate { credentials in
                    seen.withLockedValue { $0.append(credentials) }
                    return .allowed
                }
                var tls = TLSServerConfiguration(pair: pair)
                tls.clientAuthorities = pair.certificateChain
                configuration.listeners[1].transport = .tls(tls)
            }
        ) { broker, _ in
            let client = try broker.client("me", over: .tls, userName: "somebody")
            _ = try await client.connect()
            await client.disconnect()
        }
        #expect(seen.withLockedValue { $0 }.map(\.userName) == ["somebody"])
    }
}
