import BrokerCluster
import NIOCore
import Testing

@Suite struct LaneMessageTests {
    private let leader = LaneLeader(node: 31, run: UInt64.max)

    @Test("A message is read as it was written") func roundTrip() throws {
        for content in [
            LaneMessage.Content.term(name: "node-é"), .term(name: ""), .batch(ByteBuffer()),
            .batch(ByteBuffer(repeating: 7, count: 70_000)),
        ] {
            let message = LaneMessage(term: 1 << 40, previous: 12, leader: leader, content: content)
            #expect(try LaneMessage(message.octets) == message)
        }
    }

    @Test("The form stays as it is") func form() {
        let message = LaneMessage(term: 2, previous: 3, leader: LaneLeader(node: 4, run: 5), content: .term(name: "a"))
        let octets: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0, 5, 1, 97]
        #expect(message.octets == ByteBuffer(bytes: octets))
    }

    @Test("A name is cut at its bound, between letters") func longName() throws {
        let name = String(repeating: "é", count: 40)
        let message = LaneMessage(term: 1, previous: 0, leader: leader, content: .term(name: name))
        #expect(try LaneMessage(message.octets).content == .term(name: String(repeating: "é", count: 32)))
    }

    @Test("What is no message is refused") func refusals() {
        let record = LaneMessage(term: 1, previous: 0, leader: leader, content: .term(name: "node")).octets
        for length in 0..<record.readableBytes {
            #expect(throws: LaneMessageError.malformed) {
                try LaneMessage(record.getSlice(at: 0, length: length) ?? record)
            }
        }
        var changes: [(LaneMessageError, ByteBuffer)] = []
        for (error, index, octet) in [
            (LaneMessageError.unknownKind, 0, UInt8(0)), (.unknownKind, 0, 3), (.malformed, 8, 0), (.malformed, 17, 32),
            (.malformed, 26, 3), (.malformed, 26, 255), (.malformed, 27, 0xFF),
        ] {
            var changed = record
            changed.setInteger(octet, at: index)
            changes.append((error, changed))
        }
        for (error, octets) in changes { #expect(throws: error) { try LaneMessage(octets) } }
    }
}
