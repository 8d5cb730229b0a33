import NATSClient
import NATSFixture
import NIOCore
import Testing

@testable import BrokerCluster

/// Meta lanes of several nodes, and real nats-servers.
@Suite(.serialized) struct MetaLaneTests {
    @Test("What one node sets, the others and those that come later have, and removed records stay removed")
    func isShared() async throws {
        try await NATSCluster.with(servers: 1) { cluster in
            let first = try await TestMeta(cluster.ports)
            let second = try await TestMeta(cluster.ports)
            for node in [first, second] { try await node.waitUntilCurrent() }
            #expect(await first.values().isEmpty)
            let revision = try await first.set("mqtt.max_inflight", "5")
            #expect(await first.values() == ["mqtt.max_inflight": "5"])
            try await first.set("user.name with spaces", "é")
            let all = ["mqtt.max_inflight": "5", "user.name with spaces": "é"]
            try await waitUntil("the records") { await second.values() == all }

            // Two administrators have seen the same.
            try await second.set("mqtt.max_inflight", "6", expecting: revision)
            await #expect(throws: MetaFailure.conflict(revision: revision + 2)) {
                try await first.set("mqtt.max_inflight", "7", expecting: revision)
            }
            #expect(await first.values()["mqtt.max_inflight"] == "6")
            await #expect(throws: MetaFailure.conflict(revision: revision + 2)) {
                try await first.set("mqtt.max_inflight", nil, expecting: 0)
            }

            // An attempt whose answer was lost looks like somebody else's change to the same value, which is as good.
            let again = try await second.set("twice", "1")
            #expect(try await first.set("twice", "1", expecting: 0) == again)

            try await second.set("mqtt.max_inflight", nil)
            try await second.set("twice", nil)
            let late = try await TestMeta(cluster.ports)
            try await late.waitUntilCurrent()
            for node in [first, second, late] {
                try await waitUntil("the removal") { await node.values() == ["user.name with spaces": "é"] }
            }
            #expect(try await first.now { $0.counters.conflicts } == 2)
            for node in [first, second, late] { try await node.stop() }
        }
    }

    @Test("A node that was cut off misses no removal")
    func missesNothing() async throws {
        try await NATSCluster.with(servers: 1) { cluster in
            let node = try await TestMeta(cluster.ports)
            try await node.waitUntilCurrent()
            for name in ["a", "b"] { try await node.set(name, "1") }
            // The server comes back with what it had; another node was quicker than this one's replay.
            await cluster.kill(0)
            await #expect(throws: MetaFailure.self) { try await node.set("a", "2") }
            #expect(await node.values() == ["a": "1", "b": "1"])
            try cluster.start(0)
            let other = try await TestMeta(cluster.ports)
            try await other.waitUntilCurrent()
            try await other.set("a", nil)
            try await other.set("b", "2")
            try await waitUntil("what has changed") { await node.values() == ["b": "2"] }
            for node in [node, other] { try await node.stop() }
        }
    }

    @Test("Records of other versions and foreign messages are passed over, and the bounds refuse what is too much")
    func isBounded() async throws {
        try await NATSCluster.with(servers: 1) { cluster in
            var limits = MetaLimits()
            limits.maximumValue = 8
            let node = try await TestMeta(cluster.ports, limits: limits)
            try await node.waitUntilCurrent()
            let bucket = try TestMeta.bucket()
            for (key, value) in [
                ("weather.YQ", "x"), ("config.???", "x"), ("config", "x"), ("config.YQ", "too long a value"),
            ] {
                let subject = try #require(bucket.subject(of: key))
                _ = try await node.publish(bucket.put(ByteBuffer(string: value), for: subject, expecting: 0))
            }
            try await node.set("b", "12345678")
            await #expect(throws: MetaFailure.valueTooLong(maximum: 8)) { try await node.set("b", "123456789") }
            await #expect(throws: MetaFailure.nameTooLong(maximum: 512)) {
                try await node.set(String(repeating: "x", count: 513), "1")
            }
            await #expect(throws: MetaFailure.nameTooLong(maximum: 512)) { try await node.set("", "1") }
            #expect(await node.values() == ["b": "12345678"])
            // The longest name fits into a subject.
            try await node.set(String(repeating: "é", count: 256), "1")
            let counters = try await node.now { $0.counters }
            #expect(counters.unknown == 1 && counters.malformed == 2 && counters.refused == 1)
            #expect(counters.writes == 2 && counters.failures == 3)
            try await node.stop()
        }
    }

    @Test("A bucket that somebody deleted is made again, and what was in it is gone")
    func isMadeAgain() async throws {
        try await NATSCluster.with(servers: 1) { cluster in
            let node = try await TestMeta(cluster.ports)
            try await node.waitUntilCurrent()
            try await node.set("a", "1")
            let bucket = try TestMeta.bucket()
            try await node.deleteStream(bucket.stream)
            try await waitUntil("an empty lane") { await node.values().isEmpty }
            try await node.set("a", "2")
            #expect(await node.values() == ["a": "2"])
            try await node.stop()
        }
    }

    @Test("Where JetStream has no space for the bucket a node goes on without records, and says why nothing is set")
    func hasNoSpace() async throws {
        let settings = [
            "accounts { A { users: [{ user: u, password: p }], jetstream { max_file: 1MB } } }", "no_auth_user: u",
        ]
        try await NATSCluster.with(servers: 1, settings: settings) { cluster in
            let node = try await TestMeta(cluster.ports)
            try await node.waitUntilCurrent()
            await #expect {
                try await node.set("a", "1")
            } throws: { error in
                "\(error)".hasPrefix("JetStream has no space for it: JetStream error")
            }
            try await node.stop()
        }
    }
}
