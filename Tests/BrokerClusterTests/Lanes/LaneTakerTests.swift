import BrokerCluster
import NATSClient
import NIOCore
import Testing

@Suite struct LaneTakerTests {
    private var taker = LaneTaker(5, as: LaneScript.own, name: "one", limits: LaneLimits(), LaneScript.now)
    private var now = LaneScript.now
    private var counters = LaneCounters()
    private var random = SeededGenerator(seed: 1)

    private mutating func answered(_ answer: AppendAnswer) -> String {
        taker.answered(answer, now, &counters, using: &random).text
    }

    private mutating func read(_ result: Result<LastMessage, JetStreamFailure>) -> String {
        taker.read(result, now, using: &random).text
    }

    private mutating func resume() -> String { taker.resume(now).text }

    private let batch = LaneScript.message(3, previous: 39, .batch(LaneScript.batch("b")), by: LaneScript.other)

    @Test("An empty lane is taken with its first term") mutating func empty() {
        #expect(resume() == "read")
        #expect(read(LaneScript.nothing) == "append 0 record one, term 1, behind 0")
        #expect(answered(.stored(7)) == "done term 1 at 7")
    }

    @Test("The term is higher than that of the last message, whose writer is told") mutating func higher() {
        _ = resume()
        #expect(read(LaneScript.last(40, batch)) == "append 40 record one, term 4, behind 40")
        guard case .done(.success(let term)) = taker.answered(.stored(42), now, &counters, using: &random) else {
            Issue.record("not taken")
            return
        }
        #expect(
            term == LaneTerm(lane: 5, number: 4, position: LanePosition(sequence: 42), previous: LaneScript.other)
        )
    }

    @Test("Silence, 10164 and refusals are followed by the same append, and only by it") mutating func retries() {
        _ = resume()
        let append = read(LaneScript.last(40, batch))
        #expect(answered(.noAnswer(.timedOut)) == append)
        let full = JetStreamError(code: 503, errorCode: 10_077, text: "maximum bytes exceeded")
        for answer in [AppendAnswer.busy, .noAnswer(.noResponders), .noAnswer(.disconnected), .refused(full)] {
            #expect(answered(answer) == "wait")
            #expect(resume() == append)
        }
        #expect(counters.retries == 5 && counters.busy == 1 && counters.unanswered == 3 && counters.refused == 1)
    }

    @Test("10071 after silence: the record may be the last message itself") mutating func ownRecord() {
        _ = resume()
        _ = read(LaneScript.last(40, batch))
        _ = answered(.noAnswer(.timedOut))
        #expect(answered(.sequenceIsAnother) == "read")
        let own = LaneScript.message(4, previous: 40, .term(name: "one"))
        #expect(read(LaneScript.last(43, own)) == "done term 4 at 43")
    }

    @Test("A batch of the leader that came meanwhile is followed by another try behind it")
    mutating func batchMeanwhile() {
        _ = resume()
        _ = read(LaneScript.last(40, batch))
        #expect(answered(.sequenceIsAnother) == "read")
        let newer = LaneScript.message(3, previous: 40, .batch(LaneScript.batch("c")), by: LaneScript.other)
        #expect(read(LaneScript.last(44, newer)) == "append 44 record one, term 4, behind 44")
        #expect(answered(.stored(45)) == "done term 4 at 45")
    }

    @Test("Another run that takes the lane meanwhile was quicker") mutating func otherTaker() {
        _ = resume()
        _ = read(LaneScript.last(40, batch))
        _ = answered(.sequenceIsAnother)
        let record = LaneScript.message(4, previous: 40, .term(name: "two"), by: LaneScript.other)
        #expect(read(LaneScript.last(41, record)) == "done node 2, run 20, has taken the lane")
    }

    @Test("A leader of the stream that is behind is asked again") mutating func behind() {
        _ = resume()
        let append = read(LaneScript.last(40, batch))
        _ = answered(.sequenceIsAnother)
        #expect(read(LaneScript.last(40, batch)) == "wait")
        #expect(resume() == append)
        _ = answered(.sequenceIsAnother)
        #expect(read(LaneScript.last(30, batch)) == "wait")
        #expect(resume() == "read")
        for _ in 1...29 {
            now = now + .milliseconds(517)
            #expect(read(LaneScript.last(30, batch)) == "wait")
        }
        now = now + .milliseconds(517)
        #expect(read(LaneScript.last(30, batch)) == "done lane 5 has lost its messages behind 40")
    }

    @Test("What cannot be read is damage, and a newer kind says so") mutating func damage() {
        var other = LaneTaker(5, as: LaneScript.own, name: "one", limits: LaneLimits(), now)
        #expect(
            read(LaneScript.last(9, octets: ByteBuffer(string: "\u{1}x")))
                == "done message 9 of lane 5 has not the form of a message of a lane"
        )
        #expect(
            other.read(LaneScript.last(9, octets: ByteBuffer(bytes: [9])), now, using: &random).text
                == "done message 9 of lane 5 is of a kind that this version does not know"
        )
    }

    @Test("A JetStream that is not there is waited for within the bound") mutating func bound() {
        for _ in 1...3 {
            #expect(resume() == "read")
            #expect(read(.failure(.noAnswer(.noResponders))) == "wait")
        }
        now = now + LaneLimits().takeTimeout
        #expect(read(.failure(.noAnswer(.timedOut))).hasPrefix("done JetStream does not say"))
        #expect(resume().hasPrefix("done JetStream does not say"))
        var other = LaneTaker(5, as: LaneScript.own, name: "one", limits: LaneLimits(), LaneScript.now)
        _ = other.read(LaneScript.nothing, LaneScript.now, using: &random)
        #expect(
            other.answered(.noAnswer(.noResponders), now, &counters, using: &random).text
                == "done JetStream does not answer (noResponders)"
        )
    }
}
