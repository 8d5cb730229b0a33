import BrokerCluster
import NATSClient
import NIOCore
import NIOPosix
import Testing

@testable import BrokerServer

@Suite struct LaneAppendsTests {
    private let now = NIODeadline.uptimeNanoseconds(100_000_000_000)

    /// Appends to streams that nothing is connected to, of lanes that have had `octets`.
    private func appends(octets: Int) throws -> LaneAppends {
        let name = try #require(ClusterName("test"))
        let nats = ClientConfiguration(servers: [], connection: ConnectionConfiguration(name: "test"))
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let streams = try LaneStreams(LaneConfiguration(cluster: name, replicas: 1), nats: nats, on: loop)
        let appends = LaneAppends(streams)
        appends.replayed(octets: octets)
        return appends
    }

    @Test("What was replayed counts for the next cleaning") func replayed() throws {
        #expect(try !appends(octets: LaneAppends.slack).wantsCleaning)
        #expect(try appends(octets: LaneAppends.slack + 1).wantsCleaning)
    }

    @Test("A cleaning begins where what is alive has room in each stream, and is put off otherwise") func room() throws
    {
        let appends = try appends(octets: 4 << 20)
        #expect(appends.hasAmpleRoom(led: .max), "nothing is known of the streams")
        appends.learned(free: [16 << 20, .max, .max, .max], nil, now)
        #expect(appends.hasAmpleRoom(led: .max))
        let free = [3_200, .max, .max, .max]
        appends.learned(free: free, nil, now)
        #expect(!appends.hasAmpleRoom(led: .max))

        var alive = [Int](repeating: 0, count: 64)
        (alive[3], alive[20]) = (1_601, 1 << 40)
        #expect(!appends.measure(aliveOctets: alive, led: .max, now) && !appends.wantsCleaning)
        appends.learned(free: free, nil, now + .seconds(4))
        #expect(!appends.wantsCleaning, "it is not looked again and again")
        appends.learned(free: free, nil, now + LaneAppends.measuring)
        #expect(appends.wantsCleaning)
        alive[3] = 1_600
        #expect(appends.measure(aliveOctets: alive, led: .max, now) && appends.wantsCleaning)
        // A shard that leads one of the stream's sixteen lanes has that share of the room.
        #expect(!appends.measure(aliveOctets: alive, led: 1 << 3, now))
        alive[3] = 100
        #expect(appends.measure(aliveOctets: alive, led: 1 << 3, now))
    }
}
