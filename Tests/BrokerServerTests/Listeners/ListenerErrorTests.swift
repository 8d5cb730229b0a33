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
        let quic = BrokerServerConfiguration.Listener(
            name: "mine",
            address: address,
            transport: .quic(try Self.quic())
        )
        try await expectHeld(port, "UDP", quic, loops: loops)
        try await holder.close()
    }

    @Test("An address that this machine does not have is named", arguments: ["tcp", "quic"])
    func foreignAddress(transport: String) async throws {
        // An address for documentation (RFC 5737), which no machine has.
        let address = try SocketAddress(ipAddress: "192.0.2.1", port: 0)
        let listener = BrokerServerConfiguration.Listener(
            name: "mine",
            address: address,
            transport: transport == "tcp" ? .tcp : .quic(try Self.quic())
        )
        do {
            try await RunningBroker.run(loops: 1, configure: { $0.listeners = [listener] }) { _, _ in
                Issue.record("the address is this machine's")
            }
        } catch let error as ListenerError {
            #expect(
                error.description
                    == "listener \(transport):mine: cannot listen on 192.0.2.1:0, since this machine has no such address; give "
                    + "listeners.\(transport).mine.bind an address that it has, or a port alone for all addresses"
            )
        }
    }

    @Test("Other failures are told in the system's words, with the key of the address") func otherFailures() throws {
        let listener = BrokerServerConfiguration.Listener(
            name: "mine",
            address: try SocketAddress(ipAddress: "::1", port: 80),
            transport: .tcp
        )
        let denied = ListenerError(listener, cannotBind: IOError(errnoCode: EACCES, reason: "bind"))
        #expect(
            denied.description.hasPrefix("listener tcp:mine: may not listen on [::1]:80; give listeners.tcp.mine.bind ")
        )
        let other = ListenerError(listener, cannotBind: QUICError.socket(operation: "bind", errno: ENOBUFS))
        #expect(
            other.description
                == "listener tcp:mine: cannot listen on [::1]:80: No buffer space available; listeners.tcp.mine.bind names "
                + "the address"
        )
    }

    private static func quic() throws -> QUICServerConfiguration {
        let pair = try RunningBroker.certificate.get()
        return .init(
            certificateChain: pair.certificateChain,
            privateKey: pair.privateKey,
            staticSecret: Array(repeating: 1, count: 32)
        )
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
            #expect(error.description.contains(" is in use; "))
            #expect(error.description.contains("listeners.\(listener.transport.name).mine.bind"))
        }
    }
}
