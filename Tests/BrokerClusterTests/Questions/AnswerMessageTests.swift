import NIOCore
import Testing

@testable import BrokerCluster

@Suite struct AnswerMessageTests {
    private let limits = QuestionLimits()
    private let identity = Heartbeat.Identity(node: 31, run: 1 << 40)

    @Test("An answer is read as it was written")
    func roundTrip() {
        for answer in [
            AnswerMessage(.answered, from: identity, body: ByteBuffer(string: "{}")), AnswerMessage(.busy, from: nil),
        ] {
            #expect(AnswerMessage(answer.octets, limits) == answer)
        }
    }

    @Test("A verdict of a later version is a failure")
    func later() {
        var octets = AnswerMessage(.answered, from: identity).octets
        octets.setInteger(UInt8(200), at: octets.readerIndex + 3)
        #expect(AnswerMessage(octets, limits)?.verdict == .failed)
    }

    @Test("Octets that are cut off, or too many, are no answer")
    func refuses() {
        let whole = AnswerMessage(.answered, from: identity).octets
        for length in 0..<whole.readableBytes {
            #expect(AnswerMessage(whole.getSlice(at: whole.readerIndex, length: length) ?? ByteBuffer(), limits) == nil)
        }
        let long = ByteBuffer(repeating: 0, count: limits.maximumAnswer + 1)
        #expect(AnswerMessage(AnswerMessage(.answered, from: identity, body: long).octets, limits) == nil)
    }
}
