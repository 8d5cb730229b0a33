import BrokerCluster
import NIOCore
import Testing

@Suite struct LaneReaderTests {
    private var reader = LaneReader(
        LaneTerm(lane: 5, number: 4, position: LanePosition(sequence: 40), previous: nil)
    )

    private mutating func receive(_ sequence: UInt64, _ message: LaneMessage) -> LaneReader.Step {
        reader.receive(message.octets, at: sequence)
    }

    private func batch(_ term: UInt64, previous: UInt64) -> LaneMessage {
        LaneScript.message(term, previous: previous, .batch(LaneScript.batch("\(term) \(previous)")))
    }

    private func record(_ term: UInt64, previous: UInt64) -> LaneMessage {
        LaneScript.message(term, previous: previous, .term(name: "one"))
    }

    @Test("Batches come out up to the reader's own record, whatever the terms are called") mutating func order() {
        #expect(receive(3, record(1, previous: 0)) == .pass)
        #expect(receive(5, batch(1, previous: 3)) == .batch(LaneScript.batch("1 3")))
        #expect(receive(5, batch(1, previous: 3)) == .pass, "nothing comes twice")
        #expect(receive(9, record(3, previous: 5)) == .pass)
        #expect(receive(20, batch(3, previous: 9)) == .batch(LaneScript.batch("3 9")))
        #expect(receive(40, record(4, previous: 20)) == .complete)
    }

    @Test("A lane that another run serves is read before it is taken, and up to the record then") mutating func ahead()
    {
        let term = LaneTerm(lane: 5, number: 4, position: LanePosition(sequence: 40), previous: nil)
        reader = LaneReader(ahead: 5)
        #expect(receive(3, record(3, previous: 0)) == .pass)
        #expect(receive(5, batch(3, previous: 3)) == .batch(LaneScript.batch("3 3")))
        var late = reader
        #expect(reader.take(term) == .pass)
        #expect(receive(20, batch(3, previous: 5)) == .batch(LaneScript.batch("3 5")))
        #expect(receive(40, record(4, previous: 20)) == .complete)
        // The record comes before it is known to be the own one.
        _ = late.receive(batch(3, previous: 5).octets, at: 20)
        #expect(late.receive(record(4, previous: 20).octets, at: 40) == .pass)
        var fenced = late
        #expect(late.take(term) == .complete)
        // Another run has taken the lane since.
        _ = fenced.receive(record(5, previous: 40).octets, at: 41)
        #expect(fenced.take(term) == .fenced(by: LaneScript.own))
    }

    @Test("What was purged is missing at the beginning") mutating func purged() {
        #expect(receive(20, batch(3, previous: 9)) == .batch(LaneScript.batch("3 9")))
        #expect(receive(40, record(4, previous: 20)) == .complete)
    }

    @Test("What is missing in the middle, or at the end, is seen") mutating func missing() {
        _ = receive(3, batch(3, previous: 0))
        var other = reader
        #expect(receive(20, batch(3, previous: 9)) == .missing(9))
        #expect(other.receive(record(4, previous: 20).octets, at: 40) == .missing(20))
        #expect(other.receive(record(5, previous: 40).octets, at: 41) == .missing(40))
    }

    @Test("What nobody can have written is damage") mutating func damage() {
        _ = receive(3, batch(2, previous: 0))
        for (sequence, message) in [
            (UInt64(4), batch(1, previous: 3)), (4, batch(3, previous: 3)), (4, record(2, previous: 3)),
            (4, batch(2, previous: 4)), (4, batch(2, previous: 2)), (40, batch(2, previous: 3)),
            (40, record(3, previous: 3)),
        ] {
            var other = reader
            guard case .damaged(let detail) = other.receive(message.octets, at: sequence) else {
                Issue.record("\(message) at \(sequence) is taken")
                continue
            }
            #expect(detail.hasPrefix("lane 5: message \(sequence) "))
        }
        #expect(
            reader.receive(ByteBuffer(), at: 4) == .damaged("lane 5: message 4 has not the form of a message of a lane")
        )
    }
}
