import Foundation
import Testing

@testable import BrokerServer

@Suite struct DataFolderTests {
    @Test("The data folder keeps its secret and its certificate, for its owner alone") func kept() throws {
        let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))/data"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(path: path)
        let secret = try folder.secret()
        let pair = try folder.certificate()
        #expect(secret.count == 32)
        let again = try DataFolder(path: path)
        #expect(try again.secret() == secret)
        #expect(try again.certificate().privateKey == pair.privateKey)
        for (name, mode) in [("secret", 0o600), ("certs/key.pem", 0o600), ("", 0o700)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
            #expect(attributes[.posixPermissions] as? Int == mode)
        }
    }

    @Test("A secret that was cut short is an error that says so") func damaged() throws {
        let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = try DataFolder(path: path)
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: path + "/secret"))
        #expect(throws: DataFolder.Failure.self) { try folder.secret() }
    }
}
