import Foundation
import NIOCore
import Testing

@testable import BrokerCluster

@Suite struct NodeStatusTests {
    private var status: NodeStatus {
        var status = NodeStatus(name: "Größe", version: "0.1.0", state: .member)
        (status.node, status.run, status.holdsLease) = (3, 9, true)
        var lag = LagStatus()
        lag.suspended = [.init(lane: 7, reason: "no answer")]
        status.lag = lag
        status.nats = [NATSStatus(purpose: "members", server: "nats-0", address: "[::1]:4222", version: "2.15.1")]
        var relay = RelayStatus()
        relay.refused = ["out_of_window": 2]
        status.relay = relay
        return status
    }

    @Test("A status is read as it was written, with keys in snake_case")
    func roundTrip() throws {
        let json = ByteBuffer(bytes: try StatusJSON.write(status))
        #expect(try StatusJSON.read(NodeStatus.self, from: json) == status)
        #expect(String(buffer: json).contains(#""uptime_seconds":0"#))
        #expect(String(buffer: json).contains(#""refused":{"out_of_window":2}"#))
    }

    @Test("What a later version adds is passed over")
    func later() throws {
        let json = String(decoding: try StatusJSON.write(status), as: UTF8.self)
            .replacing(#""state":"member""#, with: #""state":"draining","until":{"a":[1]}"#)
        #expect(try StatusJSON.read(NodeStatus.self, from: ByteBuffer(string: json)).state == .unknown)
    }
}
