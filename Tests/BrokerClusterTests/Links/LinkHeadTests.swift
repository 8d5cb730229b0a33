import BrokerCluster
import NIOCore
import Testing

@Suite struct LinkHeadTests {
    private let head = LinkHead(
        node: 31,
        shard: 30,
        run: 1 << 60,
        receiverRun: 3,
        epoch: 4,
        otherEpoch: 5,
        number: 6,
        acknowledged: 7,
        credit: 8,
        flags: [.gap, .asks]
    )

    private var frame: ByteBuffer {
        var frame = LinkHead.emptyFrame()
        head.set(in: &frame)
        return frame
    }

    @Test("A head is read as it was written, and the entries follow") func roundTrip() throws {
        var octets = frame
        octets.writeString("rest")
        let read = LinkHead(reading: &octets)
        #expect(read == head && String(buffer: octets) == "rest")
    }

    @Test("The form stays as it is") func form() {
        let octets: [UInt8] = [
            1, 3, 31, 30, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0,
            6, 0, 0, 0,
            0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8,
        ]
        #expect(frame == ByteBuffer(bytes: octets) && octets.count == LinkHead.size)
    }

    @Test("What is no head is refused") func refusals() {
        for length in 0..<LinkHead.size {
            var octets = frame.getSlice(at: 0, length: length) ?? frame
            let read = LinkHead(reading: &octets)
            #expect(read == nil)
        }
        for (index, octet) in [(0, UInt8(2)), (1, 8), (2, 32), (3, 32), (23, 0)] {
            var octets = frame
            octets.setInteger(octet, at: index)
            let read = LinkHead(reading: &octets)
            #expect(read == nil, "octet \(index)")
        }
        var numberless = frame
        numberless.setInteger(UInt64(0), at: 28)
        var alone = numberless
        numberless.writeInteger(UInt8(0))
        let (withEntries, without) = (LinkHead(reading: &numberless), LinkHead(reading: &alone))
        #expect(withEntries == nil && without?.number == 0)
    }
}
