import BrokerCluster
import NIOCore
import Testing

@Suite struct HeartbeatTests {
    private var heartbeat: Heartbeat {
        Heartbeat(
            sender: 5,
            identity: Heartbeat.Identity(node: 31, run: 1 << 40),
            number: 9,
            isLeaving: true,
            isRetiring: true,
            echoes: [Heartbeat.Echo(identity: Heartbeat.Identity(node: 0, run: 3), number: 77)],
            secrets: [.max, 8],
            clients: 40_000
        )
    }

    @Test("A heartbeat is read as it was written, also by a node that knows less of it")
    func roundTrip() {
        #expect(Heartbeat(heartbeat.octets) == heartbeat)
        let nobody = Heartbeat(sender: 1, identity: nil, number: 1)
        #expect(Heartbeat(nobody.octets) == nobody)
        let retiring = Heartbeat(sender: 1, identity: nil, number: 1, isRetiring: true)
        #expect(Heartbeat(retiring.octets) == retiring)
        var later = heartbeat.octets
        later.setInteger(UInt8(2), at: later.readerIndex)
        later.writeString("more")
        #expect(Heartbeat(later) == heartbeat)
    }

    @Test("Octets that are cut, or name a node beyond 31, are no heartbeat")
    func refuses() throws {
        let whole = heartbeat.octets
        // Without its last four octets it is one of a node that does not tell its clients.
        for count in 0..<whole.readableBytes {
            let part = try #require(whole.getSlice(at: whole.readerIndex, length: count))
            let read = Heartbeat(part)
            #expect((read == nil) == (count < whole.readableBytes - 4))
            #expect(read?.clients == nil)
        }
        for index in [9, 28] {
            var wrong = whole
            wrong.setInteger(UInt8(32), at: wrong.readerIndex + index)
            #expect(Heartbeat(wrong) == nil)
        }
        var many = whole
        many.setInteger(UInt8(33), at: many.readerIndex + 27)
        many.writeRepeatingByte(0, count: 33 * 17)
        #expect(Heartbeat(many) == nil)
    }
}
