import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Real nats-servers with JetStream on free ports of loopback, with the settings that a cluster of brokers needs.
package final class NATSCluster {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    /// The port for clients of each server.
    package let ports: [Int]
    private let folder: URL
    private var processes: [NATSProcess?]

    /// Starts servers, lets `body` use them, and ends them however that ends.
    ///
    /// - Parameter settings: further lines of every server's configuration.
    package static func with<Result>(
        servers count: Int = 3,
        settings: [String] = [],
        files: [String: [UInt8]] = [:],
        _ body: (NATSCluster) async throws -> Result
    ) async throws -> Result {
        let cluster = try NATSCluster(count: count, settings: settings, files: files)
        do {
            for index in 0..<count { try cluster.start(index) }
            let result = try await body(cluster)
            await cluster.end()
            return result
        } catch {
            let said = cluster.log
            await cluster.end()
            throw Failure(description: "\(error)\n\(said)")
        }
    }

    /// The name of a server, by which JetStream says who leads a stream.
    package static func name(_ index: Int) -> String { "nats-\(index)" }

    private init(count: Int, settings: [String], files: [String: [UInt8]]) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "martlet-nats-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        processes = Array(repeating: nil, count: count)
        // Held at the same time, so that no two are the same.
        let free = try FreePorts.take(2 * count)
        ports = Array(free.prefix(count))
        for (name, octets) in files { try Data(octets).write(to: folder.appending(path: name)) }
        let routes = free.suffix(count)
        for index in 0..<count {
            var lines = [
                "server_name: \(Self.name(index))",
                "listen: \"127.0.0.1:\(ports[index])\"",
                "max_payload: 1MB",
                "write_deadline: \"10s\"",
                "lame_duck_duration: \"30s\"",
                "lame_duck_grace_period: \"1s\"",
                "jetstream { store_dir: \"\(folder.path)/data-\(index)\", max_file_store: 1GB, sync_interval: always }",
            ]
            if count > 1 {
                let addresses = routes.map { "\"nats://127.0.0.1:\($0)\"" }.joined(separator: ", ")
                let port = routes[routes.startIndex + index]
                lines.append("cluster { name: martlet, listen: \"127.0.0.1:\(port)\", routes: [\(addresses)] }")
            }
            lines += settings.map { $0.replacingOccurrences(of: "FOLDER", with: folder.path) }
            let text = lines.joined(separator: "\n") + "\n"
            try text.write(to: folder.appending(path: "\(index).conf"), atomically: true, encoding: .utf8)
        }
    }

    /// Starts a server that does not run, with the data that it had.
    package func start(_ index: Int) throws {
        let log = folder.appending(path: "\(index).log").path
        processes[index] = try NATSProcess(
            NATSProcess.executable,
            ["--config", folder.appending(path: "\(index).conf").path, "--log", log]
        )
    }

    /// Ends a server by SIGKILL.
    package func kill(_ index: Int) async { await processes[index]?.end(by: SIGKILL) }

    /// Sends a signal to a server, which may go on.
    package func signal(_ index: Int, _ signal: Int32) { processes[index]?.send(signal) }

    /// The last that each server said.
    private var log: String {
        processes.indices.map { index in
            let text = (try? String(contentsOf: folder.appending(path: "\(index).log"), encoding: .utf8)) ?? ""
            return text.split(separator: "\n").suffix(8).joined(separator: "\n")
        }.joined(separator: "\n")
    }

    private func end() async {
        for process in processes { await process?.end(by: SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }
}
