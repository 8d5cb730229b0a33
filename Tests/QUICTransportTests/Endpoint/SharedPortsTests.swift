import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import QUICTransport

/// Ports that others hold, and ports that loops share.
@Suite struct SharedPortsTests {
    @Test(arguments: [false, true], [false, true])
    func portOfSomebodyElseIsNamed(sharesPort: Bool, otherShares: Bool) async throws {
        try await Scene.run { scene in
            let other = try await DatagramBootstrap(group: scene.loop)
                .channelOption(.socketOption(.init(rawValue: SO_REUSEPORT)), value: otherShares ? 1 : 0)
                .bind(host: "127.0.0.1", port: 0).get()
            let address = try #require(other.localAddress)
            let group = QUICEndpointGroup(count: sharesPort ? 2 : 1)
            do {
                _ = try await scene.listen(on: address, in: group)
                Issue.record("accepted")
            } catch let error as QUICError {
                #expect(error == .portInUse(address))
                #expect("\(error)".contains("\(address.port ?? 0)"))
            }
            try await other.close()
            // Nothing of the failed attempt is left.
            let endpoint = try await scene.listenAgain(on: address, in: group)
            #expect(endpoint.localAddress == address)
        }
    }

    @Test func endpointsShareAPort() async throws {
        try await Scene.run { scene in
            let group = QUICEndpointGroup(count: 2)
            let first = try await scene.listen(in: group)
            let address = first.localAddress
            let second = try await scene.listen(on: address, in: group, worker: 1)
            #expect(second.localAddress == address)
            // A stranger who does not share is kept out, and so is one who would.
            await #expect(throws: QUICError.portInUse(address)) { _ = try await scene.listen(on: address) }
            let client = try await scene.client()
            var recorders: [Recorder] = []
            for _ in 0..<16 {
                let single = try await scene.client()
                recorders.append(try await scene.connect(single, to: address).1)
            }
            #expect(first.connectionCount + second.connectionCount == 16)
            #expect(first.connectionCount > 0 && second.connectionCount > 0)
            try await first.close().get()
            try await second.close().get()
            _ = client
            // The port is free again, and proved anew.
            let third = try await scene.listenAgain(on: address, in: group)
            #expect(third.localAddress == address)
        }
    }

    /// The worker has five bits of an identifier.
    @Test(arguments: [(0, 0), (33, 0), (2, 2), (2, -1)])
    func portsHaveAtMost32Workers(count: Int, worker: Int) async throws {
        try await Scene.run { scene in
            await #expect(throws: QUICError.self) {
                _ = try await scene.listen(in: QUICEndpointGroup(count: count), worker: worker)
            }
        }
    }

    @Test func addressThatIsNotOursIsAnError() async throws {
        try await Scene.run { scene in
            do {
                _ = try await scene.listen(on: SocketAddress(ipAddress: "192.0.2.77", port: 0))
                Issue.record("accepted")
            } catch QUICError.socket(_, let errno) {
                #expect(errno == EADDRNOTAVAIL)
            }
        }
    }

    @Test func grantedReceiveBufferIsTold() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.socket.receiveBufferSize = 256 * 1024 })
            #expect(server.receiveBufferSize > 0)
            #expect(server.receiveBufferSize <= 256 * 1024)
        }
    }

    @Test func familiesMustMatch() async throws {
        try await Scene.run { scene in
            let client = try await scene.client(on: SocketAddress(ipAddress: "127.0.0.1", port: 0))
            #expect(throws: QUICError.self) {
                _ = try scene.start(client, to: SocketAddress(ipAddress: "::1", port: 1))
            }
        }
    }
}
