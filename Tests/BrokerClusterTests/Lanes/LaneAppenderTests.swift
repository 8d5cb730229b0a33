import BrokerCluster
import NATSClient
import NIOCore
import Testing

@Suite struct LaneAppenderTests {
    private var appender: LaneAppender = {
        let term = LaneTerm(lane: 5, number: 4, position: LanePosition(sequence: 40), previous: nil)
        return LaneAppender(term, as: LaneScript.own, limits: LaneLimits())
    }()
    private var now = LaneScript.now
    private var counters = LaneCounters()
    private var random = SeededGenerator(seed: 1)

    private mutating func append(_ text: String) -> String { appender.append(LaneScript.batch(text), now).text }

    private mutating func answered(_ answer: AppendAnswer) -> String {
        appender.answered(answer, &counters, using: &random).text
    }

    private mutating func read(_ result: Result<LastMessage, JetStreamFailure>) -> String {
        appender.read(result, now, using: &random).text
    }

    @Test("Each batch is behind the one before") mutating func chain() {
        #expect(append("a") == "append 40 batch a, term 4, behind 40")
        #expect(answered(.stored(41)) == "done 41")
        #expect(append("b") == "append 41 batch b, term 4, behind 41")
        #expect(answered(.stored(50)) == "done 50")
        #expect(appender.position.sequence == 50 && appender.since == nil)
    }

    @Test("There is one in flight, and none over the bound") mutating func refusals() {
        let bound = LaneLimits().maximumBatch
        let large = ByteBuffer(repeating: 0, count: bound + 1)
        #expect(appender.append(large, now).text == "done a batch over 524288 octets")
        let most = ByteBuffer(repeating: 0, count: bound)
        #expect(appender.append(most, now).text.hasPrefix("append 40"))
        #expect(append("b") == "done the lane is in use already")
        #expect(answered(.stored(41)) == "done 41", "the one in flight goes on")
    }

    @Test("The same append goes on for as long as it takes") mutating func patience() {
        let first = append("a")
        let full = JetStreamError(code: 503, errorCode: 10_077, text: "maximum bytes exceeded")
        for _ in 1...200 {
            now = now + .seconds(10)
            #expect(answered(.noAnswer(.timedOut)) == first)
            for answer in [AppendAnswer.busy, .noAnswer(.noResponders), .refused(full)] {
                #expect(answered(answer) == "wait")
                #expect(appender.resume().text == first)
            }
        }
        #expect(appender.trouble.contains("maximum bytes exceeded") && appender.since == LaneScript.now)
        #expect(appender.isOutOfSpace)
        _ = answered(.noAnswer(.timedOut))
        #expect(!appender.isOutOfSpace)
        #expect(answered(.stored(41)) == "done 41")
    }

    @Test("10071: the own batch as the lane's last message was stored") mutating func own() {
        _ = append("a")
        _ = answered(.noAnswer(.timedOut))
        #expect(answered(.sequenceIsAnother) == "read")
        #expect(read(.failure(.noAnswer(.timedOut))) == "wait")
        #expect(appender.resume().text == "read")
        let own = LaneScript.message(4, previous: 40, .batch(LaneScript.batch("a")))
        #expect(read(LaneScript.last(43, own)) == "done 43")
        #expect(append("b") == "append 43 batch b, term 4, behind 43")
    }

    @Test("10071: a message of a higher term fences, whoever's it is and of whatever kind") mutating func fenced() {
        for content in [LaneMessage.Content.term(name: "two"), .batch(LaneScript.batch("z"))] {
            var other = appender
            _ = other.append(LaneScript.batch("a"), now)
            _ = other.answered(.sequenceIsAnother, &counters, using: &random)
            let message = LaneScript.message(5, previous: 40, content, by: LaneScript.other)
            let step = other.read(LaneScript.last(41, message), now, using: &random)
            #expect(step.text == "done node 2, run 20, has taken the lane")
        }
    }

    @Test("10071: a last message that is older than what was acknowledged is asked for for 15 s, and then lost")
    mutating func lost() {
        _ = append("a")
        _ = answered(.sequenceIsAnother)
        let older = LaneScript.message(3, previous: 1, .batch(LaneScript.batch("z")), by: LaneScript.other)
        for answer in [LaneScript.last(30, older), LaneScript.nothing] {
            #expect(read(answer) == "wait")
            #expect(appender.resume().text == "read")
        }
        for _ in 1...20 {
            now = now + .seconds(1)
            #expect(read(LaneScript.nothing) == "wait")
            #expect(read(.failure(.noAnswer(.noResponders))) == "wait", "silence begins the time anew")
        }
        #expect(read(LaneScript.nothing) == "wait")
        now = now + .seconds(60)
        #expect(read(LaneScript.nothing) == "wait", "a pause of the process counts little")
        for _ in 1...27 {
            now = now + .milliseconds(500)
            #expect(read(LaneScript.nothing) == "wait")
        }
        #expect(appender.trouble == "the lane's last message is older than what was acknowledged")
        var lucky = appender
        let own = LaneScript.message(4, previous: 40, .batch(LaneScript.batch("a")))
        #expect(lucky.read(LaneScript.last(43, own), now, using: &random).text == "done 43")
        now = now + .milliseconds(500)
        #expect(
            read(LaneScript.nothing) == "done lane 5 does not have message 40 any more, which was acknowledged"
        )
    }

    @Test("10071: servers that disagree are asked again without end, since nothing is lost")
    mutating func disagreement() {
        let first = append("a")
        let last = LaneScript.message(4, previous: 1, .term(name: "one"))
        for _ in 1...100 {
            #expect(answered(.sequenceIsAnother) == "read")
            now = now + .seconds(1)
            #expect(read(LaneScript.last(40, last)) == "wait")
            #expect(appender.resume().text == first)
        }
    }

    @Test("10071: what nobody can have written is damage") mutating func damage() {
        for (message, detail) in [
            (
                LaneScript.message(3, previous: 40, .batch(LaneScript.batch("z")), by: LaneScript.other),
                "of term 3 behind 4"
            ),
            (LaneScript.message(4, previous: 40, .batch(LaneScript.batch("z"))), "of term 4 behind 4"),
        ] {
            var other = appender
            _ = other.append(LaneScript.batch("a"), now)
            _ = other.answered(.sequenceIsAnother, &counters, using: &random)
            let step = other.read(LaneScript.last(41, message), now, using: &random)
            #expect(step.text == "done lane 5 has message 41 \(detail)")
        }
        _ = append("a")
        _ = answered(.sequenceIsAnother)
        #expect(
            read(LaneScript.last(41, octets: ByteBuffer()))
                == "done lane 5 has message 41, which has not the form of a message of a lane"
        )
    }
}
