import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// What the simulation of clusters has found of connections whose link to the home of their session loses messages.
@Suite("A connection whose link to the home of its session loses messages")
struct LostLinksTests {
    private let broker = SimulatedBroker.cluster()
    private let lane = ClusterCast.lane(of: "c")
    /// A shard of the second node, which leads the lane of a durable client of the first node.
    private let home: Int

    init() {
        home = broker.seat(of: lane, at: 1)
        broker.take(lane, by: home)
        broker.settle()
    }

    private func connect(settles: Bool = true) -> SimulatedClient {
        broker.connect("c", on: 0, cleanStart: false, expiry: 1000, settles: settles)
    }

    private func stall(_ isStalled: Bool) { broker.cluster?.stalled = isStalled ? 1 << UInt64(lane) : 0 }

    /// The shard of the connection has noticed that a link is lost, which its node has not begun anew.
    private func loseLink() { broker.change(0) { $0.lostLink(toNode: 1, now: broker.now) } }

    @Test("Packets do not go on to a home that may not have got those before them [MQTT-4.6.0-2]")
    func order() {
        defer { broker.end() }
        let client = connect()
        _ = client.takeAll()
        loseLink()
        client.publish("a", "1", qos: .exactlyOnce, identifier: 1)
        #expect(client.takeAll().isEmpty, "the home has not got the packet")
        broker.resetLink(from: 0, to: home)
        broker.settle()
        #expect(client.takeAll().count == 1, "PUBREC")
    }

    @Test("Packets that have not left when the link is lost are told by the resumption alone [MQTT-4.6.0-2]")
    func orderOfUnsent() throws {
        defer { broker.end() }
        let client = connect()
        let connection = try #require(broker.shards[0].shard.connections[client.connection.reference])
        broker.change(0) { shard in
            let publish = Publish(
                topic: ByteBuffer(string: "a"),
                payload: ByteBuffer(),
                qos: .exactlyOnce,
                packetIdentifier: 1
            )
            shard.passOn(.publish(publish), of: connection)
            shard.lostLink(toNode: 1, now: broker.now)
        }
        let cluster = try #require(broker.cluster)
        #expect(cluster.links[cluster.link(from: 0, to: home)].isEmpty)
        #expect(connection.remoteSession?.unsettled?.octets ?? 0 > 0)
    }

    /// The home hears the claim of a connection once more.
    private func repeatClaim(_ claim: Claim) {
        broker.change(home) { shard in
            let again = ShardMessage(.claim(claim, term: shard.lanes.term(of: claim.lane)))
            shard.receive([again], from: claim.connection.shard, now: broker.now)
        }
    }

    @Test("A connection that claims its session once more is not refused for its own sake [MQTT-3.1.4-3]")
    func claimsAgain() throws {
        defer { broker.end() }
        stall(true)
        let client = connect()
        let connection = broker.shards[0].shard.connections[client.connection.reference]
        repeatClaim(try #require(connection?.pendingConnect?.claim))
        stall(false)
        broker.settle()
        #expect(!client.isClosed)
        #expect(try client.connectAcknowledgement().reasonCode == .success)
        #expect(broker.shards[home].shard.deputies.count == 1)
    }

    @Test(
        "A connection that has its session, and claims it once more, ends if the client connects again [MQTT-3.1.4-3]"
    )
    func takenOverWhileClaiming() throws {
        defer { broker.end() }
        let client = connect()
        let connection = broker.shards[0].shard.connections[client.connection.reference]
        let claim = try #require(connection?.remoteSession?.claim)
        stall(true)
        repeatClaim(claim)
        let next = connect()
        stall(false)
        broker.settle()
        #expect(client.isClosed)
        #expect(try next.connectAcknowledgement().reasonCode == .success)
        #expect(broker.shards[home].shard.deputies.count == 1)
    }

    @Test("A connection that has ended leaves no deputy at a home that its shard does not know just now")
    func abandons() {
        defer { broker.end() }
        stall(true)
        let client = connect()
        broker.drop(client)
        loseLink()
        #expect(broker.shards[home].shard.deputies.count == 1)
        stall(false)
        broker.settle()
        #expect(broker.shards[home].shard.deputies.isEmpty)
    }
}
