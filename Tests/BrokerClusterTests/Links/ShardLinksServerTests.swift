import Foundation
import NATSClient
import NATSFixture
import NIOCore
import Testing

@testable import BrokerCluster

/// Links over real nats-servers.
@Suite(.serialized) struct ShardLinksServerTests {
    /// Sends numbered messages in portions, each when there is room.
    private func send(_ count: Int, size: Int, from links: TestLinks, to node: Int, _ shard: Int) async throws {
        var left = count
        while left > 0 {
            let portion = size > 10_000 ? 1 : min(left, 50)
            let waiting = try await links.now { $0.links.octetsWaiting(for: node, shard: shard) }
            guard waiting < 1 << 20 else {
                try await Task.sleep(for: .milliseconds(1))
                continue
            }
            _ = try await links.now { $0.send(portion, size: size, to: node, shard) }
            left -= portion
        }
    }

    private func waitForMessages(_ count: UInt64, at links: TestLinks, from node: Int, _ shard: Int) async throws {
        try await waitUntil("\(count) messages from node \(node), shard \(shard)") {
            try await links.now { $0.next[[node, shard]] ?? 0 } >= count
        }
        #expect(try await links.now { $0.wrong } == 0)
    }

    @Test("Messages of all sizes come in order between all shards, and those of runs that are over do not")
    func orders()
        async throws
    {
        try await NATSCluster.with(servers: 1) { cluster in
            let (first, second) = (TestLinks.member(1), TestLinks.member(2))
            let one = try await TestLinks(cluster.ports, first, shard: 0)
            let other = try await TestLinks(cluster.ports, first, shard: 1)
            let there = try await TestLinks(cluster.ports, second, shard: 1)
            try await one.open(second)
            try await other.open(second)
            // The other side does not know the node yet, and takes nothing before.
            _ = try await one.now { $0.send(3, size: 10, to: 2, 1) }
            try await waitUntil("a frame of a stranger") { try await there.now { $0.links.counters.strangers } > 0 }
            try await there.open(first)
            for size in [0, 1, 100, 70_000, 600_000, 3_000_000] {
                async let a: Void = send(20, size: size, from: one, to: 2, 1)
                async let b: Void = send(20, size: size, from: other, to: 2, 1)
                async let c: Void = send(20, size: size, from: there, to: 1, 0)
                _ = try await (a, b, c)
            }
            try await waitForMessages(123, at: there, from: 1, 0)
            try await waitForMessages(120, at: there, from: 1, 1)
            try await waitForMessages(120, at: one, from: 2, 1)
            #expect(try await there.now { $0.resets }.isEmpty)

            // A later run of the node: what the earlier one sends is not taken.
            let later = TestLinks.member(1, run: 2)
            try await there.open(later)
            let strangers = try await there.now { $0.links.counters.strangers }
            _ = try await one.now { $0.send(1, size: 10, to: 2, 1) }
            try await waitUntil("a frame of the earlier run") {
                try await there.now { $0.links.counters.strangers } > strangers
            }
            #expect(try await there.now { $0.came } == 243)
            let isTaken = try await there.now { $0.send(1, size: 1, to: 7, 0) }
            #expect(!isTaken)
            for links in [one, other, there] { try await links.stop() }
        }
    }

    @Test("Nothing is lost or comes twice when servers are killed under load") func cuts() async throws {
        try await NATSCluster.with { cluster in
            let (first, second) = (TestLinks.member(1), TestLinks.member(2))
            let one = try await TestLinks(cluster.ports, first, shard: 0)
            let other = try await TestLinks(cluster.ports, second, shard: 0)
            try await one.open(second)
            try await other.open(first)
            async let there: Void = send(20_000, size: 2_000, from: one, to: 2, 0)
            async let back: Void = send(20_000, size: 100, from: other, to: 1, 0)
            for links in [one, other, one] {
                let before = try await links.now { $0.came }
                try await waitUntil("messages") { try await links.now { $0.came } >= min(before + 2_000, 20_000) }
                let name = try await links.now { $0.links.client.serverInfo?.name }
                guard let index = cluster.ports.indices.first(where: { NATSCluster.name($0) == name }) else { continue }
                await cluster.kill(index)
                try cluster.start(index)
            }
            _ = try await (there, back)
            try await waitForMessages(20_000, at: other, from: 1, 0)
            try await waitForMessages(20_000, at: one, from: 2, 0)
            for links in [one, other] {
                #expect(try await links.now { $0.came } == 20_000)
                #expect(try await links.now { $0.resets }.isEmpty)
            }
            try await one.stop()
            try await other.stop()
        }
    }

    @Test("A shard that does not take anything makes the sender hold back, then breaks the link, and it begins anew")
    func overflow() async throws {
        try await NATSCluster.with(servers: 1) { cluster in
            var limits = LinkLimits()
            (limits.maximumOctets, limits.hardMaximumOctets) = (100_000, 300_000)
            let (first, second) = (TestLinks.member(1), TestLinks.member(2))
            let one = try await TestLinks(cluster.ports, first, shard: 0, limits: limits)
            try await one.open(second)
            var hasRoom = true
            for _ in 0..<11 { hasRoom = try await one.now { $0.send(1, size: 10_000, to: 2, 0) } }
            #expect(!hasRoom)
            for _ in 0..<30 { _ = try await one.now { $0.send(1, size: 10_000, to: 2, 0) } }
            try await waitUntil("the reset") { try await one.now { $0.resets } == ["2 0 overflowed"] }
            let there = try await TestLinks(cluster.ports, second, shard: 0)
            try await there.open(first)
            for _ in 0..<11 { _ = try await one.now { $0.send(1, size: 10_000, to: 2, 0) } }
            try await waitUntil("room") { try await one.now { $0.rooms } > 0 }
            try await waitUntil("messages") { try await there.now { $0.came } >= 11 }
            try await one.stop()
            try await there.stop()
        }
    }
}
