import BrokerCluster
import Testing

@testable import martlet

@Suite struct ClusterPictureTests {
    private func node(_ number: Int, _ state: ClusterStatus.Node.State = .alive, heard: Int? = 80) -> ClusterStatus.Node
    {
        var node = ClusterStatus.Node(node: number, run: 5, name: "broker-\(number)", state: state)
        node.heardMilliseconds = heard
        node.address = number == 0 ? "[fd00::1]:14568" : nil
        guard state == .alive else { return node }
        var status = NodeStatus(name: node.name, version: "0.1.0", state: .member)
        (status.node, status.run, status.uptimeSeconds, status.holdsLease) = (number, 5, 720, true)
        (status.connections, status.sessions, status.durableSessions) = (12, 50, 40)
        var lag = LagStatus()
        (lag.lanesLed, lag.recentAppends, lag.recentMeanMicroseconds, lag.recentLongestMicroseconds) = (
            32, 900, 1_940, 13_000
        )
        (lag.appendsInFlight, lag.longestWaitMilliseconds, lag.octetsSinceCleaning) = (2, 4, 3_250_586)
        status.lag = lag
        status.nats = [NATSStatus(purpose: "members", server: "nats-0", address: "10.0.0.1:4222", version: "2.15.1")]
        var relay = RelayStatus()
        (relay.reachable, relay.forwardsOut, relay.refused) = ([1 - number], 7, ["out_of_window": 2, "stranger": 10])
        status.relay = relay
        node.status = status
        return node
    }

    private var healthy: ClusterStatus {
        var status = ClusterStatus()
        (status.cluster, status.node, status.nodes) = ("fleet", 0, [node(0, heard: nil), node(1)])
        status.lanes = (0..<64).map { ClusterStatus.Lane(lane: $0, node: $0 % 3 == 0 ? 0 : 1, term: 2) }
        status.streams = [
            StreamStatus(
                name: "MARTLET_fleet_L0",
                leader: "nats-2",
                replicas: 3,
                currentReplicas: 3,
                behind: [],
                messages: 16,
                octets: 2_253,
                maximumOctets: 2 << 30
            )
        ]
        return status
    }

    @Test("A cluster that is well")
    func isWell() {
        #expect(
            ClusterPicture(healthy).text == """
                Cluster fleet, as node 0 (broker-0) sees it: all is well

                NODE         NAME      VERSION  STATE      HEARD      UP  CLIENTS  SESSIONS  LANES  RUN
                   0  asked  broker-0  0.1.0    alive             12 min       12        40     22    5
                   1         broker-1  0.1.0    alive  80 ms ago  12 min       12        40     42    5

                Lanes, each with the node that leads it
                  0 to 15  0110 1101 1011 0110
                  16 to 31 1101 1011 0110 1101
                  32 to 47 1011 0110 1101 1011
                  48 to 63 0110 1101 1011 0110

                Lag, with the appends of the last minute at most
                NODE  APPENDS    MEAN  LONGEST  WAITING  SUSPENDED  TO CLEAN  UNACKNOWLEDGED  HELD  FOR OTHERS
                   0      900  1.9 ms    13 ms  2, 4 ms          0    3.1 MB             0 B     0         0 B
                   1      900  1.9 ms    13 ms  2, 4 ms          0    3.1 MB             0 B     0         0 B

                Connections to NATS
                  node 0: 1 to nats-0 10.0.0.1:4222 (2.15.1)
                  node 1: 1 to nats-0 10.0.0.1:4222 (2.15.1)

                STREAM            LEADER  REPLICAS  MESSAGES    SIZE  AT MOST  BEHIND
                MARTLET_fleet_L0  nats-2    3 of 3        16  2.2 KB     2 GB

                Relay of QUIC datagrams
                  node 0 at [fd00::1]:14568: reaches 1; forwarded 7, received 0; refused 10 stranger, 2 out of window
                  node 1: reaches 0; forwarded 7, received 0; refused 10 stranger, 2 out of window
                """
        )
    }

    @Test("What is not well is said in sentences")
    func concerns() {
        var status = healthy
        status.nodes[1] = node(1, .suspected, heard: 1_400)
        status.nodes.append(node(2, .dead, heard: 12_000))
        status.nodes[0].status?.lag?.suspended = [.init(lane: 7, reason: "no answer\u{7}"), .init(lane: 9, reason: "")]
        status.nodes[0].status?.relay?.unreachable = [1]
        status.lanes[5] = ClusterStatus.Lane(lane: 5, node: nil, term: 2)
        status.streams[0].currentReplicas = 2
        status.streams[0].behind = ["nats-1"]
        status.missing = ["JetStream does not say how L1 is: no answer came in time"]
        let picture = ClusterPicture(status)
        #expect(
            picture.concerns == [
                "JetStream does not say how L1 is: no answer came in time",
                "node 1 (broker-1) has not been heard of for 1.4 s: its lanes go to others",
                "node 2 (broker-2) left the cluster or was given up, 12 s ago",
                "1 of 64 lanes are led by no node: their sessions wait, and so do messages for them",
                "node 0 (broker-0) waits for JetStream with the lanes 7, 9: no answer?",
                "MARTLET_fleet_L0: 2 of 3 replicas are up to date, not those of nats-1",
            ]
        )
        #expect(!picture.text.contains("all is well"))
        #expect(picture.text.contains("  0 to 15  0110 1.01 1011 0110"))
    }

    @Test("Streams with one trouble are one concern")
    func streams() {
        var status = healthy
        status.streams[0].octets = 2 << 30
        status.streams += [status.streams[0], status.streams[0]]
        (status.streams[1].name, status.streams[2].name) = ("L1", "L2")
        status.streams[1].currentReplicas = 0
        #expect(
            ClusterPicture(status).concerns == [
                "MARTLET_fleet_L0, L2: nearly full, with 2 GB of 2 GB",
                "L1: no leader, since NATS is electing one or a majority is missing",
            ]
        )
    }

    @Test("A node that hears the others but not their datagrams is a concern")
    func relay() {
        var status = healthy
        status.nodes[0].status?.relay?.unreachable = [1]
        #expect(ClusterPicture(status).concerns.count == 1)
    }

    @Test("A broker by itself says so")
    func alone() {
        var status = ClusterStatus()
        var node = ClusterStatus.Node(node: nil, run: nil, name: "dev", state: .alive)
        node.status = NodeStatus(name: "dev", version: "0.1.0", state: .alone)
        status.nodes = [node]
        let text = ClusterPicture(status).text
        #expect(
            text.hasPrefix("This broker is not in a cluster (cluster.engine = none).\n\n  name               dev\n")
        )
        #expect(ClusterPicture(ClusterStatus()).text == "This broker is not in a cluster.")
    }

    @Test("Each node has a letter of its own")
    func letters() {
        #expect(Set((0..<32).map { ClusterPicture.letter($0) }).count == 32)
        #expect(ClusterPicture.letter(nil) == ".")
        #expect(ClusterPicture.letter(32) == ".")
    }
}
