import BrokerCluster
import Foundation
import Logging
import NIOCore
import ServiceLifecycleTestKit
import Testing

@testable import BrokerAdmin

@Suite struct ControlServerTests {
    private static let get = "GET \(ControlPath.clusterStatus) HTTP/1.1\r\nHost: x\r\n"

    private static var impatient: ControlLimits {
        var limits = ControlLimits()
        limits.http.patience = .milliseconds(300)
        return limits
    }

    @Test("The broker answers, and the socket is for its user only")
    func answers() async throws {
        try await RunningControl.run { control in
            let answer = try await control.client.get(ControlPath.clusterStatus)
            #expect(try StatusJSON.read(ClusterStatus.self, from: answer).cluster == "test")
            let attributes = try FileManager.default.attributesOfItem(atPath: control.path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            await #expect(throws: ControlFailure.refused(status: 404)) {
                try await control.client.get("/api/v5/weather")
            }
        }
    }

    @Test("A socket that a killed broker left is replaced, and none is left at the end")
    func replaces() async throws {
        let paths = AsyncStream.makeStream(of: String.self)
        try await RunningControl.run(prepare: leaveSocket) { control in
            _ = try await control.client.get(ControlPath.clusterStatus)
            paths.continuation.yield(control.path)
        }
        var iterator = paths.stream.makeAsyncIterator()
        let path = try #require(await iterator.next())
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    /// Binds a socket, and closes it without removing its file.
    private func leaveSocket(_ path: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
    }

    @Test("A file that is no socket is left alone, and the broker goes on without a control socket")
    func keeps() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("control-\(UUID().uuidString)").path
        try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (lines, log) = AsyncStream.makeStream(of: String.self)
        let logger = Logger(label: "test") { _ in ForwardingLog(lines: log) }
        let server = ControlServer(path: path, source: TestSource(), logger: logger)
        try await testGracefulShutdown { trigger in
            async let ended: Void = server.run()
            for await line in lines where line.contains("no control socket") { break }
            trigger.triggerGracefulShutdown()
            try await ended
        }
        #expect(FileManager.default.contents(atPath: path) == Data("precious".utf8))
    }

    @Test("Many who ask at the same time cost one answer")
    func shares() async throws {
        let source = TestSource(pause: .seconds(1))
        try await RunningControl.run(source: source) { control in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<10 { group.addTask { _ = try await control.client.get(ControlPath.clusterStatus) } }
                try await group.waitForAll()
            }
            #expect(control.source.count < 10)
            let before = control.source.count
            _ = try await control.client.get(ControlPath.clusterStatus)
            #expect(control.source.count == before + 1)
        }
    }

    @Test("More connections than there may be wait for their turn")
    func waits() async throws {
        var limits = ControlLimits()
        (limits.http.maximumConnections, limits.http.patience) = (1, .seconds(1))
        try await RunningControl.run(limits: limits) { control in
            async let silent = control.raw("")
            _ = try await control.client.get(ControlPath.clusterStatus)
            #expect(try await silent.isEmpty)
        }
    }

    @Test(
        "Octets that are no request are refused, and the connection ends",
        arguments: [
            "\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "HELLO / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: nonsense\r\n\r\n",
        ]
    )
    func refuses(request: String) async throws {
        try await RunningControl.run { control in
            let answer = try await control.raw(request)
            #expect(!answer.contains("200 OK"))
            // The next one is served.
            _ = try await control.client.get(ControlPath.clusterStatus)
        }
    }

    @Test("Header fields are bounded")
    func boundsHeaders() async throws {
        try await RunningControl.run { control in
            for field in ["a: \(String(repeating: "x", count: 9_000))\r\n", String(repeating: "a: b\r\n", count: 100)] {
                let answer = try await control.raw("\(Self.get)\(field)\r\n")
                #expect(!answer.contains("200 OK"))
            }
            #expect(control.source.count == 0)
        }
    }

    @Test("A body is bounded")
    func boundsBody() async throws {
        try await RunningControl.run { control in
            let body = String(repeating: "x", count: 200_000)
            // It ends although the request does not.
            _ = try await control.raw("\(Self.get)Content-Length: 1000000000\r\n\r\n\(body)")
        }
    }

    @Test("A request that does not come to its end is given up")
    func isImpatient() async throws {
        try await RunningControl.run(limits: Self.impatient) { control in
            #expect(try await control.raw("").isEmpty)
            #expect(try await control.raw("GET /api").isEmpty)
            #expect(try await control.raw(Self.get, drip: String(repeating: "a", count: 1_000)).isEmpty)
            _ = try await control.raw(
                "\(Self.get)Content-Length: 1000\r\n\r\n",
                drip: String(repeating: "a", count: 1_000)
            )
            #expect(control.source.count <= 1)
        }
    }
}
