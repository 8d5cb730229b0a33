import CertificateFixture
import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Debian's broker on a free port of loopback, as the other side of a test.
package struct Mosquitto: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// TCP.
    package let port: Int
    /// The same broker over QUIC.
    package let quicPort: Int
    /// PEM of the authority that QUIC clients are to trust, for `localhost` and 127.0.0.1.
    package let authority: [UInt8]

    /// Starts a broker, lets `body` use it, and stops it however that ends.
    ///
    /// - Parameter settings: further lines of its configuration.
    package static func with<Result>(
        settings: [String] = [],
        _ body: (Mosquitto) async throws -> Result
    ) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-mosquitto-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (process, port) = try await start(folder: folder, settings: settings)
        do {
            let certificate = try CertificatePair()
            let bridge = try await QUICBridge(toTCP: port, certificate: certificate)
            let broker = Mosquitto(port: port, quicPort: bridge.port, authority: certificate.certificate)
            let outcome: Swift.Result<Result, any Error>
            do { outcome = .success(try await body(broker)) } catch { outcome = .failure(error) }
            await bridge.stop()
            await process.stop()
            return try outcome.get()
        } catch {
            await process.stop()
            throw error
        }
    }

    /// Another process may take a port between the look for it and the start: then there is another try.
    private static func start(folder: URL, settings: [String]) async throws -> (ChildProcess, Int) {
        let candidates = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/usr/bin/mosquitto"]
        guard let executable = candidates.first(where: FileManager.default.isExecutableFile) else {
            throw Failure(description: "mosquitto is not installed: scripts/setup does that")
        }
        for _ in 0..<5 {
            let port = try freePort()
            let lines = ["listener \(port) 127.0.0.1", "allow_anonymous true", "max_queued_messages 0"] + settings
            let file = folder.appending(path: "mosquitto.conf")
            try lines.joined(separator: "\n").appending("\n").write(to: file, atomically: true, encoding: .utf8)
            let process = try ChildProcess(executable, ["-c", file.path])
            for _ in 0..<12_000 where process.isRunning {
                if canConnect(port: port) { return (process, port) }
                try await Task.sleep(for: .milliseconds(10))
            }
            await process.stop()
        }
        throw Failure(description: "mosquitto does not start")
    }

    /// A port that nobody listens on just now.
    package static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(descriptor, raw, length) == 0 && getsockname(descriptor, raw, &length) == 0
            }
        }
        guard result else { throw Failure(description: "no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func canConnect(port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = loopback(port: UInt16(port))
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
