import Foundation
import NIOCore
import NIOPosix
import Testing

@testable import BrokerAdmin

@Suite struct ControlClientTests {
    @Test("Without a broker the failure says what to do")
    func notRunning() async throws {
        let path = "/nowhere/\(UUID().uuidString)/control.sock"
        await #expect(throws: ControlFailure.notRunning(path: path)) {
            try await ControlClient(path: path).get(ControlPath.clusterStatus)
        }
        #expect("\(ControlFailure.notRunning(path: path))".contains("martlet serve"))
    }

    @Test("A path that is too long for a socket is a failure")
    func tooLong() async throws {
        let path = "/tmp/" + String(repeating: "x", count: 200)
        let failure = await #expect(throws: ControlFailure.self) {
            try await ControlClient(path: path).get(ControlPath.clusterStatus)
        }
        #expect(failure?.description.contains("cannot connect") == true)
    }

    /// Lets somebody listen who answers each connection with the same octets, or with none.
    private func with(_ octets: String, _ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("control-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = ControlPath.socket(in: folder)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { $0.writeAndFlush(ByteBuffer(string: octets)) }
            .bind(unixDomainSocketPath: path).get()
        try await body(path)
        try await channel.close().get()
    }

    @Test("Somebody who does not answer by HTTP, or without end, is given up")
    func strangers() async throws {
        var limits = ControlLimits()
        limits.answerPatience = .milliseconds(300)
        limits.maximumAnswer = 1_000
        let long = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + String(repeating: "x", count: 2_000)
        for octets in ["", "220 smtp ready\r\n", "HTTP/1.1 200 OK\r\n", long] {
            try await with(octets) { path in
                let failure = await #expect(throws: ControlFailure.self) {
                    try await ControlClient(path: path, limits: limits).get(ControlPath.clusterStatus)
                }
                #expect(failure?.description.contains("does not answer") == true)
            }
        }
    }
}
