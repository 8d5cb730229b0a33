import Glibc
import NIOCore
import NIOPosix
import QUICTransport
import Testing

@testable import BrokerServer

@Suite(.timeLimit(.minutes(10))) struct ListenerErrorTests {
    @Test("A TCP port that somebody else holds is named") func tcpPortHeld() async throws {
        let holder = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(holder.localAddress)
        let port = try #require(address.port)
        try await expectHeld(port, "TCP", .init(name: "mine", address: address, transport: .tcp))
        let tls = TLSServerConfiguration(pair: try RunningBroker.certificate.get())
        try await expectHeld(port, "TCP", .init(name: "mine", address: address, transport: .tls(tls)))
        try await holder.close()
    }

    @Test("A UDP port that somebody else holds is named, shared or not", arguments: [1, 2])
    func udpPortHeld(loops: Int) async throws {
        let holder = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.socketOption(.init(rawValue: SO_REUSEPORT)), value: 1)
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(holder.localAddress)
        let port = try #require(address.port)
        let pair = try RunningBroker.certificate.get()
        let quic = BrokerServerConfiguration.Listener(
            name: "mine",
            address: address,
            transport: .quic(
                .init(
                    certificateChain: pair.certificateChain,
                    privateKey: pair.privateKey,
                    staticSecret: Array(repeating: 1, count: 32)
                )
            )
        )
        try await expectHeld(port, "UDP", quic, loops: loops)
        try await holder.close()
    }

    private func expectHeld(
        _ port: Int,
        _ transport: String,
        _ listener: BrokerServerConfiguration.Listener,
        loops: Int = 1
    ) async throws {
        do {
            try await RunningBroker.run(loops: loops, configure: { $0.listeners = [listener] }) { _, _ in
                Issue.record("the port was held")
            }
        } catch let error as ListenerError {
            #expect(error.listener == listener.label)
            #expect(error.description.contains("\(transport) port \(port) "))
            #expect(error.description.contains("held by somebody else"))
            #expect(error.description.contains("listeners.\(listener.transport.name).mine.bind"))
        }
    }
}
