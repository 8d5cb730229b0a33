import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import BrokerServer

/// A listening socket whose process has no file descriptor left, as SwiftNIO reports it.
@Suite(.timeLimit(.minutes(10))) struct DescriptorShortageTests {
    private struct Listening {
        let channel: any Channel
        let admission: Admission
        let accepted = NIOLockedValueBox(0)
        let log = LogRecorder()

        init() async throws {
            let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
            let admission = Admission(.init(name: "test", address: any, transport: .tcp))
            self.admission = admission
            let (log, accepted) = (log, accepted)
            channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handler = DescriptorShortage(admission, logger: log.logger())
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                }
                .childChannelInitializer { channel in
                    accepted.withLockedValue { $0 += 1 }
                    return channel.eventLoop.makeSucceededVoidFuture()
                }
                .bind(to: any).get()
        }

        func connect() async throws -> any Channel {
            let address = try #require(channel.localAddress)
            return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(to: address).get()
        }

        /// Whether it accepts after accept has failed so often.
        func fail(_ codes: CInt...) async throws -> Bool {
            try await channel.eventLoop.submit {
                for code in codes {
                    channel.pipeline.syncOperations.fireErrorCaught(IOError(errnoCode: code, reason: "accept"))
                }
                return try channel.syncOptions?.getOption(.autoRead) ?? true
            }.get()
        }
    }

    @Test("Clients that wait are closed at once, and accepting goes on after a pause") func shed() async throws {
        let server = try await Listening()
        try await server.channel.setOption(.autoRead, value: false).get()
        let waiting = [try await server.connect(), try await server.connect()]

        #expect(try await server.fail(EMFILE, EMFILE) == false)
        for client in waiting { try await client.closeFuture.get() }
        #expect(server.accepted.withLockedValue { $0 } == 0)
        #expect(server.admission.shed == 2)
        #expect(server.admission.acceptsFailed == 1)

        let next = try await server.connect()
        while server.accepted.withLockedValue({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(5)) }
        try await next.close()
        try await server.channel.close()
    }

    @Test("A shortage that goes on is counted each time and said once") func said() async throws {
        let server = try await Listening()
        for failure in 1...3 {
            _ = try await server.fail(ENFILE)
            #expect(server.admission.acceptsFailed == failure)
            while try await server.channel.getOption(.autoRead).get() == false {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        let lines = server.log.lines
        #expect(lines.count == 1)
        #expect(lines.first?.level == .warning)
        #expect(lines.first?.metadata["listener"] == "tcp:test")
        try await server.channel.close()
    }

    @Test("A connection that was gone before it was accepted pauses nothing") func aborted() async throws {
        let server = try await Listening()
        #expect(try await server.fail(ECONNABORTED))
        #expect(server.admission.acceptsFailed == 0)
        #expect(server.log.lines.isEmpty)
        try await server.channel.close()
    }
}
