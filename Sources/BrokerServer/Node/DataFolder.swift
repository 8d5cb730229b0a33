import Crypto
import Foundation
import Glibc

/// The folder that a node keeps between runs (`node.data_dir`).
package struct DataFolder: Sendable {
    package let path: String

    /// Why a file of the folder cannot be used. The text names the file.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Makes the folder, readable by its owner only, if there is none.
    ///
    /// - Throws: `Failure`.
    package init(path: String) throws {
        self.path = path
        try Self.make(path)
    }

    private static func make(_ folder: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw Failure(description: "node.data_dir: cannot make the folder \(folder): \(SystemReason(error))")
        }
    }

    /// The node's secret, from which keys are derived: 32 random octets, made at the first start.
    package func secret() throws -> [UInt8] {
        let secret = try contents(of: "secret") {
            SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        }
        guard secret.count == NodeSecret.count else {
            throw Failure(
                description:
                    "node.data_dir: \(file("secret")) has \(secret.count) octets instead of 32; restore it, or delete it to get a new one"
            )
        }
        return secret
    }

    /// Locks the folder for this process, and raises the number of its runs.
    ///
    /// - Returns: the number of this run, which is on disk when this returns.
    /// - Throws: `Failure` if another process has the folder, or the number cannot be read or written.
    package func beginRun() throws -> NodeRun { try NodeRun(folder: self) }

    /// What was set at run time at a node by itself. The folder has to be locked.
    ///
    /// - Throws: `Failure`.
    package func metaFile() throws -> MetaFile { try MetaFile(self) }

    /// The certificate and key (PEM) that were generated for this installation.
    package func certificate() throws -> CertificatePair {
        let certificate = try? read("certs/cert.pem")
        let key = try? read("certs/key.pem")
        if let certificate, let key { return CertificatePair(certificateChain: certificate, privateKey: key) }
        let generated = try CertificatePair.selfSigned()
        try write(generated.privateKey, to: "certs/key.pem")
        try write(generated.certificateChain, to: "certs/cert.pem")
        return generated
    }

    /// The files of the generated certificate and key, which are made if they are not there.
    package func certificateFiles(authorities: String?) throws -> CertificateFiles {
        _ = try certificate()
        return CertificateFiles(chain: certificatePath, key: file("certs/key.pem"), authorities: authorities)
    }

    /// The path of the generated certificate, which clients of this installation may trust.
    package var certificatePath: String { file("certs/cert.pem") }

    func file(_ name: String) -> String { path + "/" + name }

    private func contents(of name: String, or make: () -> [UInt8]) throws -> [UInt8] {
        if FileManager.default.fileExists(atPath: file(name)) { return try read(name) }
        let made = make()
        try write(made, to: name)
        return made
    }

    func read(_ name: String) throws -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: file(name))))
        } catch {
            throw Failure(description: "node.data_dir: cannot read \(file(name)): \(SystemReason(error))")
        }
    }

    /// Writes a file, whole or not at all, that only its owner may read. The file is on disk when the call returns.
    func write(_ octets: [UInt8], to name: String) throws {
        let target = file(name)
        let folder = (target as NSString).deletingLastPathComponent
        let temporary = target + ".new"
        try Self.make(folder)
        guard Self.create(temporary, octets), rename(temporary, target) == 0, Self.sync(folder) else {
            throw Failure(description: "node.data_dir: cannot write \(target): \(String(cString: strerror(errno)))")
        }
    }

    /// Makes a file that only its owner may read from the moment it exists.
    private static func create(_ path: String, _ octets: [UInt8]) -> Bool {
        unlink(path)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return Glibc.write(descriptor, octets, octets.count) == octets.count && fsync(descriptor) == 0
    }

    private static func sync(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }
}
