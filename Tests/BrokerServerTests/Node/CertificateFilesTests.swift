import Foundation
import QUICTransport
import Testing

@testable import BrokerServer

@Suite struct CertificateFilesTests {
    @Test("Files that are no certificate are named") func errors() throws {
        let folder = try CertificateFolder()
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
        "TLS and QUIC take the same files, whatever editors made of them",
        arguments: [
            { "\u{FEFF}" + $0 }, { $0.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n") },
            { $0.replacingOccurrences(of: "\n", with: "\r\n") }, { $0.replacingOccurrences(of: "\n", with: "") },
            { $0.replacingOccurrences(of: "-----\n-----", with: "----------") },
        ] as [@Sendable (String) -> String]
    )
    func forms(change: @Sendable (String) -> String) throws {
        let folder = try CertificateFolder()
        let root = try IssuedCertificate("root")
        let lower = try IssuedCertificate("lower", by: root)
        let leaf = try IssuedCertificate("leaf", by: lower)
        try folder.write(change(leaf.pem + lower.pem), to: "cert.pem")
        try folder.write(change(leaf.keyPEM), to: "key.pem")
        try folder.write(change(root.pem + lower.pem), to: "ca.pem")
        let files = CertificateFiles(
            chain: folder.path + "/cert.pem",
            key: folder.path + "/key.pem",
            intermediates: folder.path + "/ca.pem",
            authorities: folder.path + "/ca.pem"
        )
        #expect(try files.load(needsClientCertificate: true).trustRoots?.count == 2)
        let empty = QUICServerConfiguration(
            certificateChain: [],
            privateKey: [],
            staticSecret: Array(repeating: 0, count: 32)
        )
        let loaded = try files.load(into: empty)
        #expect(try loaded.certificateChain == leaf.pemOctets + lower.pemOctets)
        #expect(files.warnings.isEmpty)
        _ = consume folder
    }

    @Test(
        "Intermediate certificates of cacertfile are sent, and clients that trust the root alone connect",
        .timeLimit(.minutes(1)),
        arguments: [RunningBroker.Transport.tls, .quic]
    )
    func intermediates(over transport: RunningBroker.Transport) async throws {
        let folder = try CertificateFolder()
        let root = try IssuedCertificate("root")
        let lower = try IssuedCertificate("lower", by: root)
        let leaf = try IssuedCertificate("leaf", by: lower)
        try folder.write(leaf.pem, to: "cert.pem")
        try folder.write(leaf.keyPEM, to: "key.pem")
        try folder.write(IssuedCertificate("others").pem + lower.pem, to: "chain.pem")
        let path = folder.path
        for (intermediates, isSent) in [(path + "/chain.pem", true), (nil, false)] {
            let files = CertificateFiles(
                chain: path + "/cert.pem",
                key: path + "/key.pem",
                intermediates: intermediates
            )
            #expect(files.warnings.map { $0.contains("CN=lower") } == (isSent ? [] : [true]))
            try await RunningBroker.run(configure: { configuration in
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
                }
            }) { broker, _ in
                let trusted = CertificatePair(certificateChain: try root.pemOctets, privateKey: [])
                #expect(await broker.connects(over: transport, trusting: trusted) == isSent)
            }
        }
        _ = consume folder
    }

    @Test("A cacertfile that is not there is told of, and is an error only where clients are verified") func noFile()
        throws
    {
        let folder = try CertificateFolder()
        try folder.write(CertificatePair.selfSigned())
        func files(authorities: String?) -> CertificateFiles {
            CertificateFiles(
                chain: folder.path + "/cert.pem",
                key: folder.path + "/key.pem",
                intermediates: folder.path + "/none.pem",
                authorities: authorities
            )
        }
        _ = try files(authorities: nil).load(needsClientCertificate: false)
        #expect(files(authorities: nil).warnings.map { $0.contains("/none.pem does not exist") } == [true])
        #expect(throws: CertificateFileError.self) {
            try files(authorities: folder.path + "/none.pem").load(needsClientCertificate: false)
        }
    }
}
