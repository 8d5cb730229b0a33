import Foundation

@testable import BrokerServer

/// A folder with a pair that the broker is started with.
struct CertificateFolder: ~Copyable {
    let path = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))"

    var files: CertificateFiles { CertificateFiles(chain: path + "/cert.pem", key: path + "/key.pem") }

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
    }

    func write(_ pair: CertificatePair) throws {
        try Data(pair.certificateChain).write(to: URL(fileURLWithPath: path + "/cert.pem"))
        try Data(pair.privateKey).write(to: URL(fileURLWithPath: path + "/key.pem"))
    }
}
