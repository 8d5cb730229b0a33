import CertificateFixture
import Foundation
import Glibc
import Logging
import NIOCore
import NIOPosix
import QUICTransport

/// A client of the first of two nodes, whose packets go there directly or through the second, by turns; and one that would be led
/// to the second, too, and has gone on at the address that the first one prefers.
struct RelayMeasurement {
    private struct Failure: Error { let what: String }

    private struct Node {
        let relay: NodeRelay
        let loop: any EventLoop
    }

    private static let secret = [UInt8](repeating: 9, count: 32)
    private static let service = "127.0.0.9"
    private static let port = 4_000

    private let groups = (0..<3).map { _ in MultiThreadedEventLoopGroup(numberOfThreads: 1) }

    /// Pings and octets of one round.
    private static let pings = 1_000
    private static let octets = 32 << 20

    func run(rounds: Int) async throws {
        var nodes: [Node] = []
        for number in 0..<2 { nodes.append(try await open(number)) }
        for number in 0..<2 {
            let other = 1 - number
            let peer = RelayMembership.Peer(Self.member(other), at: nodes[other].relay.address)
            nodes[number].relay.update(RelayMembership(own: Self.member(number), peers: [peer]))
        }
        try Self.nft("add table ip relayprobe")
        defer { try? Self.nft("delete table ip relayprobe") }
        try Self.nft("add chain ip relayprobe output { type nat hook output priority -100 ; }")
        try Self.lead(to: 0)
        let service = try SocketAddress(ipAddress: Self.service, port: Self.port)
        var clients: [ProbeClient.Handle] = []
        for usesPreferredAddress in [false, true] {
            let client = try await ProbeClient.open(
                to: service,
                usesPreferredAddress: usesPreferredAddress,
                on: groups[2].next()
            )
            clients.append(client)
        }
        print("gone on at the preferred address after \(Self.text(try await clients[1].goneOn())) µs")
        let loops = nodes.map(\.loop) + [clients[0].loop]
        let ways: [(name: String, node: Int, client: Int)] = [("direct", 0, 0), ("relayed", 1, 0), ("preferred", 1, 1)]
        var pings = ways.map { _ in [Double]() }
        var seconds = ways.map { _ in 0.0 }
        var processor = ways.map { _ in [0.0, 0.0, 0.0] }
        var forwarded = ways.map { _ in 0 }
        for _ in 0..<rounds {
            for way in ways.indices {
                let client = clients[ways[way].client]
                // The last acknowledgements of the way before.
                try await Task.sleep(for: .milliseconds(300))
                let earlier = try await nodes[1].relay.report().get().total.forwardsOut
                try Self.lead(to: ways[way].node)
                try await client.move()
                _ = try await client.ping(50)
                pings[way] += try await client.ping(Self.pings)
                let before = try await Self.processorTime(loops)
                seconds[way] += try await client.upload(Self.octets)
                let after = try await Self.processorTime(loops)
                for index in loops.indices { processor[way][index] += after[index] - before[index] }
                forwarded[way] += try await nodes[1].relay.report().get().total.forwardsOut - earlier
            }
        }
        let total = Double(rounds * Self.octets) / 1_000_000
        for (way, name) in ways.map(\.name).enumerated() {
            let sorted = pings[way].sorted()
            let (middle, late) = (sorted[sorted.count / 2], sorted[sorted.count * 99 / 100])
            print("\(name): ping p50 \(Self.text(middle)) µs, p99 \(Self.text(late)) µs; forwarded \(forwarded[way])")
            let cost = processor[way].map { Self.text($0 * 1_000_000 / total) }
            print(
                "\(name): \(Self.text(total / seconds[way])) MB/s; µs of CPU a MB: owner \(cost[0]), ingress \(cost[1]), client \(cost[2])"
            )
        }
        for (number, node) in nodes.enumerated() {
            let report = try await node.relay.report().get()
            let counts = report.total.named.filter { $0.value > 0 }.map { "\($0.name) \($0.value)" }
            print("node \(number): \(counts.joined(separator: ", ")), send_calls \(report.sendCalls)")
        }
    }

    private static func text(_ value: Double) -> String { String(format: "%.1f", value) }

    // MARK: Nodes

    private static func member(_ number: Int) -> RelayMember {
        let salt = [UInt8](repeating: UInt8(number), count: RelayMember.saltCount)
        return RelayMember(RelayNode(number: UInt16(number), incarnation: 1), bootSalt: salt)
    }

    private func open(_ number: Int) async throws -> Node {
        let loop = groups[number].next()
        let pair = try CertificatePair.shared.get()
        var configuration = QUICServerConfiguration(
            certificateChain: pair.certificate,
            privateKey: pair.key,
            staticSecret: Self.secret
        )
        configuration.identifiers.node = UInt16(number)
        configuration.identifiers.incarnation = 1
        let logger = Logger(label: "probe")
        let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let relay = try await NodeRelay.open(
            RelayConfiguration(address: any, membership: RelayMembership(own: Self.member(number))),
            ring: KeyRing(configuration),
            first: loop,
            logger: logger
        ).get()
        configuration.common.maximumUDPPayload = relay.largestDatagram
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: Self.port + 1 + number)
        configuration.preferredAddress = QUICPreferredAddress([address])
        let made = configuration
        try await loop.flatSubmit {
            QUICEndpoint.listen(
                on: address,
                configuration: made,
                loop: loop,
                relay: relay.relay(of: 0).map { ($0, listener: 0) },
                logger: logger
            ) { _ in ProbeServer() }.map { _ in }
        }.get()
        return Node(relay: relay, loop: loop)
    }

    // MARK: The machine

    private static func lead(to node: Int) throws {
        try nft("flush chain ip relayprobe output")
        let rule = "ip daddr \(service) udp dport \(port) dnat to 127.0.0.1:\(port + 1 + node)"
        try nft("add rule ip relayprobe output \(rule)")
    }

    private static func nft(_ command: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/sbin/nft")
        process.arguments = [command]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(what: "nft \(command)") }
    }

    /// Seconds that the threads of loops have used.
    private static func processorTime(_ loops: [any EventLoop]) async throws -> [Double] {
        var times: [Double] = []
        for loop in loops {
            let time = loop.submit {
                var time = timespec()
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
                return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
            }
            times.append(try await time.get())
        }
        return times
    }
}
