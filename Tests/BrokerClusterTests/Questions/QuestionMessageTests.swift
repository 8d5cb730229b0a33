import NIOCore
import Testing

@testable import BrokerCluster

@Suite struct QuestionMessageTests {
    private let limits = QuestionLimits()

    private func question(kind: String = "status", asker: Int? = 3, body: String = "{}") -> QuestionMessage {
        QuestionMessage(kind: kind, asker: asker, patience: 1_500, body: ByteBuffer(string: body))
    }

    @Test("A question is read as it was written", arguments: [nil, 0, 31])
    func roundTrip(asker: Int?) {
        let question = question(asker: asker)
        #expect(QuestionMessage(question.octets, limits) == question)
    }

    @Test("What a later version appends to the head is passed over")
    func later() {
        var octets = question().octets
        // Version 2, and a head that is two octets longer.
        let length = octets.getInteger(at: octets.readerIndex + 1, as: UInt16.self) ?? 0
        let end = octets.readerIndex + 3 + Int(length)
        var later = ByteBuffer(integer: UInt8(2))
        later.writeInteger(length + 2)
        later.writeImmutableBuffer(octets.getSlice(at: octets.readerIndex + 3, length: Int(length)) ?? ByteBuffer())
        later.writeBytes([7, 7])
        octets.moveReaderIndex(to: end)
        later.writeImmutableBuffer(octets)
        #expect(QuestionMessage(later, limits) == question())
    }

    @Test("Octets that are cut off, and numbers that no node has, are no question")
    func refuses() {
        let whole = question(body: "").octets
        for length in 0..<whole.readableBytes {
            #expect(
                QuestionMessage(whole.getSlice(at: whole.readerIndex, length: length) ?? ByteBuffer(), limits) == nil
            )
        }
        var another = whole
        another.setInteger(UInt8(32), at: another.readerIndex + 3)
        #expect(QuestionMessage(another, limits) == nil)
        another = whole
        another.setInteger(UInt8(0), at: another.readerIndex)
        #expect(QuestionMessage(another, limits) == nil)
    }

    @Test("A question and its name are bounded")
    func bounds() {
        let long = String(repeating: "x", count: limits.maximumQuestion)
        #expect(QuestionMessage(question(body: long).octets, limits) == nil)
        #expect(QuestionMessage(question(kind: String(repeating: "k", count: 65)).octets, limits) == nil)
        #expect(QuestionMessage(question(kind: String(repeating: "k", count: 64)).octets, limits) != nil)
        #expect(QuestionMessage(question(kind: "").octets, limits) == nil)
    }
}
