import Logging
import NIOCore
import Testing

@testable import QUICTransport

/// Datagrams for the other endpoints of a port.
@Suite struct CourierTests {
    /// What is for an endpoint that is not there is dropped and counted.
    @Test func nobodyIsThere() throws {
        let here = try #require(DatagramAddress(SocketAddress(ipAddress: "127.0.0.1", port: 1_000)))
        var courier = Courier(group: QUICEndpointGroup(count: 2), worker: 0)
        var counters = QUICCounters()
        func toss(to worker: Int) {
            let octets: [UInt8] = [1, 2, 3]
            unsafe octets.withUnsafeBytes { bytes in
                unsafe courier.toss(bytes, to: worker, from: here, to: here, ecn: 0, counters: &counters)
            }
        }
        toss(to: 1)
        courier.inboxes = [nil, nil]
        toss(to: 1)
        toss(to: 7)
        courier.send(counters: &counters)
        #expect(counters.dropped.unknownConnection == 3)
        #expect(counters.tossedOut == 0)
    }

    /// A burst is one batch; what the inbox has no room for is dropped and counted.
    @Test func burstLeavesAsOneBatch() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen()
            let here = server.canonicalAddress
            var counters = QUICCounters()
            var courier = Courier(group: QUICEndpointGroup(count: 2), worker: 0)
            courier.inboxes = [nil, StrayInbox(server, limit: 1_000)]
            for count in [2, 3] {
                for _ in 0..<count {
                    let octets = [UInt8](repeating: 0x40, count: 250)
                    unsafe octets.withUnsafeBytes { bytes in
                        unsafe courier.toss(bytes, to: 1, from: here, to: here, ecn: 0, counters: &counters)
                    }
                }
                #expect(counters.tossedOut + counters.dropped.tossLimit == 0 || count == 3)
                courier.send(counters: &counters)
            }
            #expect(counters.tossedOut == 2)
            #expect(counters.dropped.tossLimit == 3)
            try await scene.until("read") { server.counters.tossedIn == 2 }
        }
    }
}
