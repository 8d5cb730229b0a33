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
}
