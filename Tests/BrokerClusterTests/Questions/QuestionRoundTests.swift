import NIOCore
import Testing

@testable import BrokerCluster

@Suite struct QuestionRoundTests {
    private func answer(_ node: Int?, _ verdict: AnswerMessage.Verdict = .answered, octets: Int = 2) -> ByteBuffer {
        let identity = node.map { Heartbeat.Identity(node: $0, run: 1) }
        return AnswerMessage(verdict, from: identity, body: ByteBuffer(repeating: 0x20, count: octets)).octets
    }

    @Test("A round is complete once each node has answered or will not")
    func completes() {
        var round = QuestionRound([1, 2, 3], QuestionLimits())
        round.received(answer(1), from: 1)
        round.silent(2, .timedOut)
        #expect(!round.isComplete)
        round.received(answer(3, .busy), from: 3)
        #expect(round.isComplete)
        #expect(Set(round.answers.keys) == [1])
        #expect(round.silences == [2: .timedOut, 3: .busy])
    }

    @Test("A round without nodes is complete at once")
    func isEmpty() { #expect(QuestionRound([Int](), QuestionLimits()).isComplete) }

    @Test("What comes twice, too late or from a stranger changes nothing")
    func twice() {
        var round = QuestionRound([1, 2], QuestionLimits())
        round.silent(1, .timedOut)
        round.received(answer(1), from: 1)
        round.received(answer(9), from: 9)
        round.received(answer(2), from: 2)
        round.silent(2, .timedOut)
        #expect(round.silences == [1: .timedOut])
        #expect(Set(round.answers.keys) == [2])
    }

    @Test("A node answers for itself only, and a form that is unknown is no answer")
    func foreign() {
        var round = QuestionRound([1, 2, 3], QuestionLimits())
        round.received(answer(2), from: 1)
        round.received(ByteBuffer(string: "what?"), from: 2)
        // A node that is not a member yet has no number.
        round.received(answer(nil), from: 3)
        #expect(round.silences == [1: .unreadable, 2: .unreadable])
        #expect(Set(round.answers.keys) == [3])
    }

    @Test("All answers together are bounded")
    func bound() {
        var limits = QuestionLimits()
        limits.maximumAnswers = 100
        var round = QuestionRound([1, 2, 3], limits)
        round.received(answer(1, octets: 60), from: 1)
        round.received(answer(2, octets: 60), from: 2)
        round.received(answer(3, octets: 2), from: 3)
        #expect(Set(round.answers.keys) == [1, 3])
        #expect(round.silences == [2: .tooLarge])
    }
}
