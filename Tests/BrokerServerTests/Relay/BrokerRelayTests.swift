import BalancerFixture
import MQTTBroker
import MQTTClient
import MQTTCodec
import NIOCore
import QUICTransport
import Testing

@testable import BrokerServer

/// Clients behind a balancer that gives each of their addresses to any broker.
@Suite(.timeLimit(.minutes(10))) struct BrokerRelayTests {
    /// Ports, addresses and both change, and what the balancer knows expires; the old socket is closed each time.
    @Test(
        "A client that other brokers reach keeps its connection, and no message is lost or comes twice",
        arguments: [QUICEndpoint.Migration.active, .unnoticed],
        [QualityOfService.atLeastOnce, .exactlyOnce]
    )
    func messages(migration: QUICEndpoint.Migration, qos: QualityOfService) async throws {
        let moves = 150
        let each = 4
        try await RelayedBrokers.run(3, configure: { $0.limits.maximumQueueLength = 100_000 }) { brokers in
            let owner = brokers.brokers[0]
            try await brokers.balancer.assign(0)
            let mover = try brokers.client("mover")
            _ = try await mover.connect()
            try await mover.subscribe("to/mover", qos: qos)
            let other = try owner.client("other", over: .tcp)
            _ = try await other.connect()
            try await other.subscribe("from/mover", qos: qos)
            try await brokers.balancer.assign()
            for move in 0..<moves {
                async let sent: Void = {
                    for number in 0..<each {
                        try await other.post(Publish("to/mover", "\(move * each + number)", qos: qos))
                    }
                }()
                async let answered: Void = {
                    for number in 0..<each {
                        try await mover.post(Publish("from/mover", "\(move * each + number)", qos: qos))
                    }
                }()
                if move % 4 == 3 {
                    try await brokers.balancer.assign()
                } else {
                    let host = "127.0.0.\(move % 7 + 1)"
                    try await mover.migrate(to: SocketAddress(ipAddress: host, port: 0), migration)
                }
                _ = try await (sent, answered)
                // A move that comes before the last one is validated is another test's.
                #expect(try await mover.waitForAcknowledgements() == .success)
                #expect(try await other.waitForAcknowledgements() == .success)
            }
            for number in 0..<moves * each {
                #expect(try await mover.nextPayload() == "\(number)")
                #expect(try await other.nextPayload() == "\(number)")
            }
            let reports = [try await brokers.report(1), try await brokers.report(2)].compactMap { $0?.total }
            #expect(reports.count == 2)
            for total in reports {
                #expect(total.forwardsOut > 0)
                #expect(total.answersReleased > 0)
                #expect(total[.unknownOwner] == 0 && total[.tooLong] == 0 && total[.forged] == 0)
            }
            await mover.disconnect()
            await other.disconnect()
        }
    }

    /// Two listeners of one node, one client address at both.
    @Test("A frame finds its listener") func listeners() async throws {
        try await RelayedBrokers.run(
            2,
            configure: { configuration in
                guard var second = configuration.listeners.last else { return }
                second.name = "second"
                configuration.listeners.append(second)
            }
        ) { brokers in
            for name in ["default", "second"] {
                let nodes = brokers.brokers.compactMap { broker in
                    broker.listening.first { $0.transport == "quic" && $0.name == name }?.address
                }
                let balancer = try await RandomBalancer.open(to: nodes)
                try await balancer.assign(0)
                let client = try RelayedBrokers(brokers: brokers.brokers, balancer: balancer).client(name)
                _ = try await client.connect()
                try await balancer.assign(1)
                try await client.subscribe("a/\(name)", qos: .atLeastOnce)
                try await client.post(Publish("a/\(name)", name, qos: .atLeastOnce))
                #expect(try await client.nextPayload() == name)
                await client.disconnect()
                try await balancer.close()
            }
            #expect(try await brokers.report(0)?.total[.unknownListener] == 0)
            #expect(try await brokers.report(1)?.total.answersReleased ?? 0 > 0)
        }
    }

    @Test("Brokers see whether frames pass between them") func reachability() async throws {
        var limits = RelayLimits()
        limits.beatInterval = .milliseconds(20)
        try await RelayedBrokers.run(2, limits: limits) { brokers in
            for number in 0..<2 {
                for _ in 0..<6_000 where try await brokers.report(number)?.reachability.first?.isReachable != true {
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect(try await brokers.report(number)?.reachability.map(\.isReachable) == [true])
            }
        }
    }

    @Test("Every count of the relay has a name of its own") func names() async throws {
        let counters = RelayCounters()
        let names = counters.named.map(\.name)
        let fields = Mirror(reflecting: counters).children.count - 1 + RelayRefusal.allCases.count
        #expect(Set(names).count == fields)
        #expect(names.contains("refused_out_of_window"))
    }

    @Test("A relay that cannot be opened ends the start") func failures() async throws {
        var limits = RelayLimits()
        limits.mtu = 1_000
        await #expect(throws: RelayError.self) { try await RelayedBrokers.run(1, limits: limits) { _ in } }
    }
}
