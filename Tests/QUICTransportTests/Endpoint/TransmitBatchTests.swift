import CDatagrams
import NIOCore
import Testing

@testable import QUICTransport

/// Packets that leave in one system call.
@Suite struct TransmitBatchTests {
    @Test func equalPacketsBecomeOneMessage() throws {
        let batch = TransmitBatch(QUICSocketConfiguration())
        let here = try #require(DatagramAddress(SocketAddress(ipAddress: "127.0.0.1", port: 1_000)))
        let there = try #require(DatagramAddress(SocketAddress(ipAddress: "127.0.0.1", port: 2_000)))
        func add(_ count: Int, to address: DatagramAddress, ecn: UInt8 = 0, from source: DatagramAddress? = nil) -> Int
        {
            batch.append(count, from: source, to: address, ecn: ecn)
            return batch.messageCount
        }
        #expect(add(1_200, to: here) == 1)
        #expect(add(1_200, to: here) == 1)
        #expect(add(700, to: here) == 1)
        // A shorter one ends the train.
        #expect(add(700, to: here) == 2)
        // So do a longer one, another way and another mark.
        #expect(add(701, to: here) == 3)
        #expect(add(701, to: there) == 4)
        #expect(add(701, to: there, ecn: 2) == 5)
        #expect(add(701, to: there, ecn: 2, from: here) == 6)
        batch.clear()
        // The kernel cuts a train in 64 at most.
        for index in 0..<65 { #expect(add(100, to: here) == (index < 64 ? 1 : 2)) }
    }

    @Test func batchHasBounds() throws {
        let batch = TransmitBatch(QUICSocketConfiguration())
        let here = try #require(DatagramAddress(SocketAddress(ipAddress: "127.0.0.1", port: 1_000)))
        var count = 0
        while batch.hasRoom(for: 1_452) {
            batch.append(1_000 + count % 2 * 400, from: nil, to: here, ecn: 0)
            count += 1
        }
        #expect(batch.messageCount <= Int(DATAGRAM_BATCH))
        #expect(count >= 64)
    }
}
