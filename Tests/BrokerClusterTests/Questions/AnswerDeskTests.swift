import NIOCore
import Testing

@testable import BrokerCluster

@Suite struct AnswerDeskTests {
    private func question(_ kind: String) -> ByteBuffer {
        QuestionMessage(kind: kind, asker: 1, patience: 100, body: ByteBuffer()).octets
    }

    private func verdict(_ result: Result<QuestionMessage, AnswerDesk.Refusal>) -> AnswerMessage.Verdict {
        switch result {
        case .success: .answered
        case .failure(let refusal): refusal.verdict
        }
    }

    @Test("Questions that are unknown or cannot be read are refused, and take no place")
    func refuses() {
        var desk = AnswerDesk(["status"], QuestionLimits())
        #expect(verdict(desk.begin(question("weather"))) == .unknownQuestion)
        #expect(verdict(desk.begin(ByteBuffer(string: "\u{1}"))) == .unreadable)
        #expect(desk.underWay == 0)
    }

    @Test("A few questions are answered at a time")
    func bound() {
        var limits = QuestionLimits()
        limits.maximumAnswering = 2
        var desk = AnswerDesk(["status"], limits)
        #expect((0..<3).map { _ in verdict(desk.begin(question("status"))) } == [.answered, .answered, .busy])
        desk.end()
        #expect(verdict(desk.begin(question("status"))) == .answered)
    }

    @Test("An answer that is too long is not sent")
    func tooLong() {
        let desk = AnswerDesk([], QuestionLimits())
        let most = ByteBuffer(repeating: 0, count: QuestionLimits().maximumAnswer)
        #expect(desk.answer(most, from: nil).verdict == .answered)
        #expect(desk.answer(most + ByteBuffer(integer: UInt8(0)), from: nil) == AnswerMessage(.tooLarge, from: nil))
        #expect(desk.answer(nil, from: nil).verdict == .failed)
    }
}

private func + (one: ByteBuffer, other: ByteBuffer) -> ByteBuffer {
    var both = one
    both.writeImmutableBuffer(other)
    return both
}
