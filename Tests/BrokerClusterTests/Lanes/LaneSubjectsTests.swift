import BrokerCluster
import NATSClient
import Testing

@Suite struct LaneSubjectsTests {
    @Test("Names of clusters are parts of subjects and of names of streams") func clusterNames() {
        for name in ["a", "Test-1_x", String(repeating: "a", count: 32)] { #expect(ClusterName(name) != nil) }
        for name in ["", "a.b", "a b", "a*", "é", String(repeating: "a", count: 33)] {
            #expect(ClusterName(name) == nil)
        }
    }

    @Test("Each lane is in one of four streams") func streams() throws {
        let cluster = try #require(ClusterName("c"))
        let subjects = LaneSubjects(cluster)
        let streams = (0..<4).map {
            subjects.configuration(ofStream: $0, LaneConfiguration(cluster: cluster, replicas: 3))
        }
        for lane in 0..<64 {
            let name = subjects.subject(of: lane).description
            #expect(name == "martlet.c.lane.\(lane)")
            #expect(streams.filter { $0.subjects.contains(name) }.map(\.name) == ["MARTLET_c_L\(lane / 16)"])
        }
        #expect(streams.map(\.subjects.count) == [17, 16, 16, 16])
    }

    @Test("What makes a stream unfit is told") func complaints() throws {
        let cluster = try #require(ClusterName("c"))
        let wanted = LaneSubjects(cluster).configuration(ofStream: 1, LaneConfiguration(cluster: cluster, replicas: 3))
        #expect(wanted.complaint(wanting: wanted) == nil)
        let changes: [(String, (inout StreamConfiguration) -> Void)] = [
            ("subjects", { $0.subjects.removeLast() }), ("replicas", { $0.replicas = 1 }),
            ("memory", { $0.storage = .memory }), ("retention", { $0.retention = .interest }),
            ("discard", { $0.discard = .old }), ("max_bytes", { $0.maximumBytes = -1 }),
            ("max_msgs", { $0.maximumMessages = 5 }), ("max_msgs", { $0.maximumMessagesPerSubject = 1 }),
            ("max_age", { $0.maximumAge = .seconds(1) }), ("allow_direct", { $0.allowsDirect = true }),
            ("deny_delete", { $0.deniesDelete = false }),
        ]
        for (word, change) in changes {
            var changed = wanted
            change(&changed)
            let complaint = try #require(changed.complaint(wanting: wanted))
            #expect(complaint.hasPrefix("stream MARTLET_c_L1 ") && complaint.contains(word))
        }
        var other = wanted
        (other.replicas, other.maximumBytes) = (5, 1_000)
        #expect(other.complaint(wanting: wanted) == nil)
    }
}
