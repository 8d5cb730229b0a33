import Foundation
import MQTTClient
import MQTTCodec
import NIOCore
import Testing

@testable import BrokerServer

@Suite(.timeLimit(.minutes(10))) struct CertificateWatchTests {
    @Test(
        "A pair that changes is shown to new connections, a broken one is not, and who is connected stays",
        arguments: [RunningBroker.Transport.tls, .quic]
    )
    func reload(over transport: RunningBroker.Transport) async throws {
        let folder = try CertificateFolder()
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
            #expect(await broker.connects(over: transport, trusting: old))

            try Data("no PEM".utf8).write(to: URL(fileURLWithPath: path + "/cert.pem"))
            try await Task.sleep(for: .milliseconds(200))
            #expect(await broker.connects(over: transport, trusting: old), "the one before stays")

            try Data(new.privateKey).write(to: URL(fileURLWithPath: path + "/key.pem"))
            try Data(new.certificateChain).write(to: URL(fileURLWithPath: path + "/cert.pem"))
            while await !broker.connects(over: transport, trusting: new) {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(await !broker.connects(over: transport, trusting: old))

            try await standing.subscribe("t")
            try await standing.publish(Publish("t", "still here", qos: .atLeastOnce))
            #expect(try await standing.nextPayload() == "still here")
            await standing.disconnect()
        }
        _ = consume folder
    }
}
