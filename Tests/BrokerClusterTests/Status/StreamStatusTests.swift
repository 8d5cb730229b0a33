import Foundation
import NATSClient
import Testing

@testable import BrokerCluster

@Suite struct StreamStatusTests {
    private func status(_ cluster: String) throws -> StreamStatus {
        let json = """
            {"config":{"name":"L0","num_replicas":3,"max_bytes":2048},\
            "state":{"messages":5,"bytes":700,"first_seq":1,"last_seq":5}\(cluster)}
            """
        return StreamStatus(try JSONDecoder().decode(StreamInfo.self, from: Data(json.utf8)))
    }

    @Test("Copies that lack something, are offline or are not heard of are behind")
    func behind() throws {
        let status = try status(
            #"""
            ,"cluster":{"leader":"nats-0","replicas":[
            {"name":"nats-3","current":true,"active":900000000},{"name":"nats-2","current":true,"active":5000000000},
            {"name":"nats-1","current":true,"offline":true},{"name":"nats-4","current":false}]}
            """#
        )
        #expect(status.leader == "nats-0")
        #expect(status.behind == ["nats-1", "nats-2", "nats-4"])
        #expect((status.currentReplicas, status.replicas) == (2, 3))
        #expect((status.messages, status.octets, status.maximumOctets) == (5, 700, 2_048))
    }

    @Test("A stream without a leader has no copy that counts")
    func noLeader() throws {
        #expect(try status(#","cluster":{"replicas":[{"name":"nats-1","current":false}]}"#).currentReplicas == 0)
    }

    @Test("A server by itself leads its streams")
    func alone() throws {
        let status = try status("")
        #expect((status.leader, status.currentReplicas) == (nil, 1))
    }
}
